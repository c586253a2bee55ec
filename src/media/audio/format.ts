import { ServingError } from '../../core/errors.ts';
import { findFormat, type Magics, startsWith } from '../magic.ts';
import type { AudioFormat } from './audio-stream.ts';
import { isMp3 } from './mp3.ts';
import { isWav } from './wav.ts';

const ACCEPTED = 'WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus';

/** Recognises the codec of an Ogg file, which the first packet names. */
const isOgg =
  (codec: string) =>
  (head: string): boolean =>
    head.startsWith('OggS') && head.startsWith(codec, 28);

const FORMATS: Magics<AudioFormat> = [
  ['wav', isWav],
  ['flac', startsWith('fLaC')],
  ['ogg-vorbis', isOgg('\x01vorbis')],
  ['ogg-opus', isOgg('OpusHead')],
];

/** Formats that messages name: the caller learns that the file is intact, and has to be converted. */
const REFUSED: Magics<string> = [
  ['MP4 or M4A', startsWith('ftyp', 4)],
  ['WebM or Matroska', startsWith('\x1a\x45\xdf\xa3')],
  ['Ogg with another codec than Vorbis or Opus', startsWith('OggS')],
  ['AIFF', (head) => head.startsWith('FORM') && head.startsWith('AIF', 8)],
  ['AMR', startsWith('#!AMR')],
  ['Sun/NeXT audio', (head) => head.startsWith('.snd') || head.startsWith('dns.')],
  ['CAF', startsWith('caff')],
  ['WMA or WMV', startsWith('\x30\x26\xb2\x75')],
  ['Wave64', startsWith('riff\x2e\x91\xcf\x11')],
  ['MIDI, which holds notes and no audio', startsWith('MThd')],
  ['AAC', (head) => /^\xff[\xf0\xf1\xf8\xf9]/.test(head)],
  ['MP2 (MPEG layer II)', (head) => /^\xff[\xf4\xf5\xfc\xfd]/.test(head)],
  ['AC-3', startsWith('\x0b\x77')],
  ['DTS', startsWith('\x7f\xfe\x80\x01')],
  ['WavPack', startsWith('wvpk')],
  ["Monkey's Audio", startsWith('MAC ')],
  ['TTA', startsWith('TTA')],
  ['Creative Voice', startsWith('Creative Voice File')],
  ['NIST SPHERE', startsWith('NIST_1A')],
  ['8SVX', (head) => head.startsWith('FORM') && head.startsWith('8SVX', 8)],
  ['RealMedia', startsWith('.RMF')],
  ['AVI', (head) => head.startsWith('RIFF') && head.startsWith('AVI ', 8)],
  ['Flash video', startsWith('FLV\x01')],
  ['an MPEG program stream', startsWith('\0\0\x01\xba')],
  ['an MPEG transport stream', (head) => head.startsWith('G') && head[188] === 'G'],
];

/**
 * Recognises the format of an audio file by its bytes; content type and file name have no effect.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for an audio file of another format, `INVALID_INPUT` for any other file
 */
export const sniffFormat = (bytes: Uint8Array): AudioFormat => {
  const format = findFormat(bytes, FORMATS);
  if (format !== undefined) return format;
  const refused = findFormat(bytes, REFUSED);
  if (refused !== undefined)
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `received ${refused}, expected ${ACCEPTED}; convert the audio file`,
    );
  if (isMp3(bytes)) return 'mp3'; // last: MP3 has no magic bytes, and the search for frames is slower
  throw new ServingError(
    'INVALID_INPUT',
    `received ${bytes.byteLength} bytes that are no audio file, expected ${ACCEPTED}; send the file as it is`,
  );
};
