import { ServingError } from '../../core/errors.ts';

/**
 * Tags of titles and pictures, which stand before and behind the audio of MP3 and FLAC files, each as often as programs have added one.
 * ID3v2: https://id3.org/id3v2.4.0-structure, APE: https://wiki.hydrogenaud.io/index.php?title=APEv2_specification.
 */

const ID3V2_BYTES = 10;
const APE_BYTES = 32;
const ID3V1_BYTES = 128;
const LYRICS_END = 'LYRICS200';

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(Math.max(0, at), Math.max(0, at + length)));

/** The size in four times seven bits. */
const id3Size = (bytes: Uint8Array, at: number): number =>
  bytes.subarray(at + 6, at + 10).reduce((size, byte) => size * 128 + (byte & 127), 0);

/** The size of an APE tag without its header, by its header or footer at `at`. */
const apeSize = (bytes: Uint8Array, at: number): number =>
  bytes.subarray(at + 12, at + 16).reduceRight((size, byte) => size * 256 + byte, 0);

/** Bytes of the tag at the beginning of `bytes`; 0 for none. */
const leadingBytes = (bytes: Uint8Array): number => {
  if (textAt(bytes, 0, 3) === 'ID3') {
    const hasFooter = ((bytes[5] ?? 0) & 0x10) !== 0;
    return ID3V2_BYTES + id3Size(bytes, 0) + (hasFooter ? ID3V2_BYTES : 0);
  }
  return textAt(bytes, 0, 8) === 'APETAGEX' ? APE_BYTES + apeSize(bytes, 0) : 0;
};

/** Bytes of the tag at the end of `bytes`; 0 for none. */
const trailingBytes = (bytes: Uint8Array): number => {
  const end = bytes.byteLength;
  if (textAt(bytes, end - ID3V1_BYTES, 3) === 'TAG') return ID3V1_BYTES;
  if (textAt(bytes, end - ID3V2_BYTES, 3) === '3DI') return 2 * ID3V2_BYTES + id3Size(bytes, end - ID3V2_BYTES);
  const ape = end - APE_BYTES;
  if (textAt(bytes, ape, 8) === 'APETAGEX') {
    const hasHeader = ((bytes[ape + 23] ?? 0) & 0x80) !== 0;
    return apeSize(bytes, ape) + (hasHeader ? APE_BYTES : 0);
  }
  const lyrics = end - LYRICS_END.length;
  if (textAt(bytes, lyrics, LYRICS_END.length) !== LYRICS_END) return 0;
  return Number.parseInt(textAt(bytes, lyrics - 6, 6), 10) + 6 + LYRICS_END.length;
};

/** The file from the end of its leading tags on. @throws `INVALID_INPUT` for a file that has nothing behind them */
export const withoutLeadingTags = (bytes: Uint8Array): Uint8Array => {
  let audio = bytes;
  for (let size = leadingBytes(audio); size > 0; size = leadingBytes(audio)) {
    if (size >= audio.byteLength)
      throw new ServingError(
        'INVALID_INPUT',
        `the audio file has a tag of ${size} bytes, and ends after ${audio.byteLength} of them; send the whole file`,
      );
    audio = audio.subarray(size);
  }
  return audio;
};

/** The file up to its trailing tags. A tag whose size cannot be right is left to the decoder. */
export const withoutTrailingTags = (bytes: Uint8Array): Uint8Array => {
  let audio = bytes;
  for (let size = trailingBytes(audio); size > 0 && size < audio.byteLength; size = trailingBytes(audio))
    audio = audio.subarray(0, -size);
  return audio;
};
