import { ServingError } from '../../core/errors.ts';
import { type AudioStream, type Block, refuseAudio } from './audio-stream.ts';

/** Reads one sample at a byte offset. */
type ReadSample = (view: DataView, at: number) => number;

const PCM: Readonly<Record<number, ReadSample>> = {
  1: (view, at) => (view.getUint8(at) - 128) / 128, // the only format without a sign
  2: (view, at) => view.getInt16(at, true) / 2 ** 15,
  3: (view, at) => (view.getInt8(at + 2) * 2 ** 16 + view.getUint16(at, true)) / 2 ** 23,
  4: (view, at) => view.getInt32(at, true) / 2 ** 31,
};

const FLOAT: Readonly<Record<number, ReadSample>> = {
  4: (view, at) => view.getFloat32(at, true),
  8: (view, at) => view.getFloat64(at, true),
};

/** ITU-T G.711: sign, three bits of exponent, four of mantissa, even bits inverted. */
const fromALaw = (code: number): number => {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (bits & 0x80 ? magnitude : -magnitude) / 2 ** 15;
};

/** ITU-T G.711: as A-law, all bits inverted and biased by 132. */
const fromMuLaw = (code: number): number => {
  const bits = ~code;
  const magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 0x80 ? -magnitude : magnitude) / 2 ** 15;
};

const FORMATS: Readonly<Record<number, Readonly<Record<number, ReadSample>>>> = {
  1: PCM,
  3: FLOAT,
  6: { 1: (view, at) => fromALaw(view.getUint8(at)) },
  7: { 1: (view, at) => fromMuLaw(view.getUint8(at)) },
};

const EXTENSIBLE = 0xfffe;
/** Bytes after the format's number in the identifier of a `WAVE_FORMAT_EXTENSIBLE`. */
const SUBFORMAT_TAIL = '000000001000800000aa00389b71';
/** Sizes from here on stand for an unknown length; no accepted file is so large. */
const UNKNOWN_LENGTH = 0x7fff_0000;
const FRAMES_PER_BLOCK = 65_536;

interface Chunk {
  readonly start: number;
  /** Bytes by its header; a file that was cut has fewer. */
  readonly size: number;
}

/**
 * Bytes of samples: to the end of the file where a streaming program wrote the header, which knows no length. It writes a size of 0 or of
 * about 2 or 4 GB; ffmpeg and libsndfile read 0 so, too. @throws `INVALID_INPUT` for a file that was cut
 */
const dataBytes = ({ start, size }: Chunk, fileBytes: number): number => {
  const thereBytes = fileBytes - start;
  if (size === 0 || size >= UNKNOWN_LENGTH) return thereBytes;
  if (size > thereBytes)
    refuseAudio('wav', `was cut: it says ${size} bytes of samples, ${thereBytes} are there; send the whole file`);
  return size;
};

/** The first chunk of each of `ids`. */
const findChunks = (bytes: Uint8Array, view: DataView, ids: readonly string[]): Map<string, Chunk> => {
  const chunks = new Map<string, Chunk>();
  for (let at = 12; at + 8 <= bytes.byteLength && chunks.size < ids.length; ) {
    const id = String.fromCharCode(...bytes.subarray(at, at + 4));
    const size = view.getUint32(at + 4, true);
    if (ids.includes(id) && !chunks.has(id)) chunks.set(id, { start: at + 8, size });
    at += 8 + size + (size % 2);
  }
  return chunks;
};

interface WavFormat {
  readonly channels: number;
  readonly sampleRate: number;
  readonly sampleBytes: number;
  readonly read: ReadSample;
}

const parseFormat = (bytes: Uint8Array, view: DataView, { start, size }: Chunk): WavFormat => {
  if (size < 16 || start + size > bytes.byteLength) return refuseAudio('wav', 'has a damaged "fmt " chunk');
  let tag = view.getUint16(start, true);
  if (tag === EXTENSIBLE && size >= 40) {
    const tail = Buffer.from(bytes.subarray(start + 26, start + 40)).toString('hex');
    if (tail === SUBFORMAT_TAIL) tag = view.getUint16(start + 24, true);
  }
  const channels = view.getUint16(start + 2, true);
  const blockBytes = view.getUint16(start + 12, true);
  const bits = view.getUint16(start + 14, true);
  const sampleBytes = Math.ceil(bits / 8);
  const read = FORMATS[tag]?.[sampleBytes];
  if (read === undefined)
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `the audio file (wav) has samples of format ${tag} with ${bits} bits, which is not decoded here; save it as 16-bit PCM`,
    );
  if (channels === 0 || blockBytes !== channels * sampleBytes)
    return refuseAudio('wav', `has ${blockBytes} bytes for ${channels} samples of ${bits} bits: its header is damaged`);
  return { channels, sampleRate: view.getUint32(start + 4, true), sampleBytes, read };
};

function* readBlocks(view: DataView, from: number, frames: number, format: WavFormat): Generator<Block> {
  const { channels, sampleBytes, read } = format;
  for (let first = 0; first < frames; first += FRAMES_PER_BLOCK) {
    const length = Math.min(FRAMES_PER_BLOCK, frames - first);
    yield Array.from({ length: channels }, (_, channel) => {
      const samples = new Float32Array(length);
      let at = from + (first * channels + channel) * sampleBytes;
      for (let i = 0; i < length; i += 1, at += channels * sampleBytes) samples[i] = read(view, at);
      return samples;
    });
  }
}

/**
 * Opens a RIFF/WAVE file with samples as integers of 8 to 32 bits, floats of 32 or 64 bits, A-law or µ-law.
 * @throws `INVALID_INPUT` for a wrong header or a file that was cut, `UNSUPPORTED_MEDIA_TYPE` for other samples
 */
export const openWav = (bytes: Uint8Array): AudioStream => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = findChunks(bytes, view, ['fmt ', 'data']);
  const [fmt, data] = [chunks.get('fmt '), chunks.get('data')];
  if (fmt === undefined || data === undefined)
    return refuseAudio('wav', `has no "${fmt === undefined ? 'fmt ' : 'data'}" chunk; check that the file is complete`);
  const format = parseFormat(bytes, view, fmt);
  const { channels, sampleRate, sampleBytes } = format;
  const sampleCount = Math.floor(dataBytes(data, bytes.byteLength) / (channels * sampleBytes));
  const blocks = () => readBlocks(view, data.start, sampleCount, format);
  return { format: 'wav', sampleRate, channels, sampleCount, blocks };
};

/** A mono WAV file of 16-bit silence, as a minimal input. */
export const createSilence = (seconds: number, sampleRate: number): Uint8Array => {
  const dataBytes = 2 * Math.round(seconds * sampleRate);
  const file = Buffer.alloc(44 + dataBytes);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + dataBytes, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  for (const [at, value] of [
    [16, 16],
    [24, sampleRate],
    [28, 2 * sampleRate],
  ] as const)
    file.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    file.writeUInt16LE(value, at);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(dataBytes, 40);
  return file;
};
