import { ServingError } from '../../core/errors.ts';
import type { AudioFormat } from './audio-file.ts';
import { isMp3 } from './mp3.ts';

const ACCEPTED = 'WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus';

/** Recognises a format by the first bytes, given as text with one character for each. */
type Magic = (head: string) => boolean;

const starts =
  (prefix: string, at = 0): Magic =>
  (head) =>
    head.startsWith(prefix, at);

/** The first packet of an Ogg file names the codec. */
const isOgg =
  (codec: string): Magic =>
  (head) =>
    head.startsWith('OggS') && head.startsWith(codec, 28);

const FORMATS: readonly (readonly [AudioFormat, Magic])[] = [
  ['wav', (head) => head.startsWith('RIFF') && head.startsWith('WAVE', 8)],
  ['flac', starts('fLaC')],
  ['ogg-vorbis', isOgg('\x01vorbis')],
  ['ogg-opus', isOgg('OpusHead')],
];

/** Named, so that the caller learns that the recording is whole but of the wrong kind. */
const REFUSED: readonly (readonly [string, Magic])[] = [
  ['MP4 or M4A', starts('ftyp', 4)],
  ['WebM or Matroska', starts('\x1a\x45\xdf\xa3')],
  ['Ogg with another codec than Vorbis or Opus', starts('OggS')],
  ['AIFF', (head) => head.startsWith('FORM') && head.startsWith('AIF', 8)],
  ['AMR', starts('#!AMR')],
  ['Sun/NeXT audio', starts('.snd')],
  ['CAF', starts('caff')],
  ['WMA or WMV', starts('\x30\x26\xb2\x75')],
  ['RF64 (a WAV of more than 4 GB)', starts('RF64')],
  ['MIDI, which holds notes and no sound', starts('MThd')],
  ['AAC', (head) => /^\xff[\xf0\xf1\xf8\xf9]/.test(head)],
];

/**
 * The format by the bytes, whatever the content type or file name says.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for a recording of another format; `INVALID_INPUT` for what is no recording
 */
export const sniffFormat = (bytes: Uint8Array): AudioFormat => {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const format = FORMATS.find(([, matches]) => matches(head))?.[0];
  if (format !== undefined) return format;
  const refused = REFUSED.find(([, matches]) => matches(head))?.[0];
  if (refused !== undefined)
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `received ${refused}, expected ${ACCEPTED}; convert the recording`,
    );
  if (isMp3(bytes)) return 'mp3'; // last, because it has no magic bytes: frames are looked for
  throw new ServingError(
    'INVALID_INPUT',
    `received ${bytes.byteLength} bytes that are no recording, expected ${ACCEPTED}; send the file as it is`,
  );
};
