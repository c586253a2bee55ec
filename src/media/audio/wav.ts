import { ServingError } from '../../core/errors.ts';
import { type AudioStream, type Block, refuseAudio } from './audio-stream.ts';
import { findReader, type ReadSample } from './wav-samples.ts';

/**
 * The first four letters of a file, and whether its numbers begin with their lowest byte. RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088) have
 * sizes of more than 32 bits in the chunk `ds64`.
 */
const CONTAINERS: ReadonlyMap<string, boolean> = new Map([
  ['RIFF', true],
  ['RF64', true],
  ['BW64', true],
  ['RIFX', false],
]);

/** Tells whether a file begins as a WAV file of any kind does. */
export const isWav = (head: string): boolean => CONTAINERS.has(head.slice(0, 4)) && head.startsWith('WAVE', 8);

/** The file, and whether its numbers begin with their lowest byte. */
interface Numbers {
  readonly view: DataView;
  readonly isLittle: boolean;
}

const EXTENSIBLE = 0xfffe;
/** The identifier of a `WAVE_FORMAT_EXTENSIBLE` behind the format's number: two numbers of 16 bits and eight bytes. */
const SUBFORMAT_WORDS = [0x0000, 0x0010];
const SUBFORMAT_BYTES = '800000aa00389b71';
/** Sizes from here on stand for an unknown length; no accepted file is so large. */
const UNKNOWN_LENGTH = 0x7fff_0000;
/** Sizes of a chunk whose own is in `ds64`, and of one that no program knew. */
const NO_SIZE = 0xffff_ffff;
const NO_LONG_SIZE = 0xffff_ffff_ffff_ffffn;
const FRAMES_PER_BLOCK = 65_536;

interface Chunk {
  readonly start: number;
  /** Bytes by its header; a file that was cut has fewer. */
  readonly size: number;
}

/**
 * Bytes of samples by the header; undefined where a streaming program wrote it, which knows no length. It writes a size of 0 or of about 2 or
 * 4 GB; ffmpeg and libsndfile read 0 so, too.
 */
const saidBytes = ({ view, isLittle }: Numbers, { size }: Chunk, long: Chunk | undefined): number | undefined => {
  if (size !== NO_SIZE || long === undefined || long.start + 16 > view.byteLength)
    return size === 0 || size >= UNKNOWN_LENGTH ? undefined : size;
  const longSize = view.getBigUint64(long.start + 8, isLittle);
  return longSize === 0n || longSize === NO_LONG_SIZE ? undefined : Number(longSize);
};

/** Bytes of samples: to the end of the file where the header does not say. @throws `INVALID_INPUT` for a file that was cut */
const dataBytes = (numbers: Numbers, data: Chunk, long: Chunk | undefined): number => {
  const thereBytes = numbers.view.byteLength - data.start;
  const said = saidBytes(numbers, data, long) ?? thereBytes;
  if (said > thereBytes)
    refuseAudio('wav', `was cut: it says ${said} bytes of samples, ${thereBytes} are there; send the whole file`);
  return said;
};

const CHUNKS = ['ds64', 'fmt ', 'data'];

/** The first chunk of each of `CHUNKS`, up to the one that completes format and samples. */
const findChunks = (bytes: Uint8Array, { view, isLittle }: Numbers): Map<string, Chunk> => {
  const chunks = new Map<string, Chunk>();
  for (let at = 12; at + 8 <= bytes.byteLength && !(chunks.has('fmt ') && chunks.has('data')); ) {
    const id = String.fromCharCode(...bytes.subarray(at, at + 4));
    const size = view.getUint32(at + 4, isLittle);
    if (CHUNKS.includes(id) && !chunks.has(id)) chunks.set(id, { start: at + 8, size });
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

/** The number of the format of samples; an extensible format names it in its identifier. */
const readTag = (bytes: Uint8Array, { view, isLittle }: Numbers, { start, size }: Chunk): number => {
  const tag = view.getUint16(start, isLittle);
  if (tag !== EXTENSIBLE || size < 40) return tag;
  const words = SUBFORMAT_WORDS.every((word, index) => view.getUint16(start + 28 + 2 * index, isLittle) === word);
  const isKnown = words && Buffer.from(bytes.subarray(start + 32, start + 40)).toString('hex') === SUBFORMAT_BYTES;
  return isKnown ? view.getUint32(start + 24, isLittle) : tag;
};

const parseFormat = (bytes: Uint8Array, numbers: Numbers, chunk: Chunk): WavFormat => {
  const { view, isLittle } = numbers;
  const { start, size } = chunk;
  if (size < 16 || start + size > bytes.byteLength) return refuseAudio('wav', 'has a damaged "fmt " chunk');
  const tag = readTag(bytes, numbers, chunk);
  const channels = view.getUint16(start + 2, isLittle);
  const blockBytes = view.getUint16(start + 12, isLittle);
  const bits = view.getUint16(start + 14, isLittle);
  const sampleBytes = Math.ceil(bits / 8);
  const read = findReader(tag, sampleBytes);
  if (read === undefined)
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `the audio file (wav) has samples of format ${tag} with ${bits} bits, which is not decoded here; save it as 16-bit PCM`,
    );
  if (channels === 0 || blockBytes !== channels * sampleBytes)
    return refuseAudio('wav', `has ${blockBytes} bytes for ${channels} samples of ${bits} bits: its header is damaged`);
  return { channels, sampleRate: view.getUint32(start + 4, isLittle), sampleBytes, read };
};

function* readBlocks({ view, isLittle }: Numbers, from: number, frames: number, format: WavFormat): Generator<Block> {
  const { channels, sampleBytes, read } = format;
  for (let first = 0; first < frames; first += FRAMES_PER_BLOCK) {
    const length = Math.min(FRAMES_PER_BLOCK, frames - first);
    yield Array.from({ length: channels }, (_, channel) => {
      const samples = new Float32Array(length);
      let at = from + (first * channels + channel) * sampleBytes;
      for (let i = 0; i < length; i += 1, at += channels * sampleBytes) samples[i] = read(view, at, isLittle);
      return samples;
    });
  }
}

/**
 * Opens a RIFF/WAVE file, also as RIFX, RF64 and BW64, with samples as integers of 8 to 32 bits, floats of 32 or 64 bits, A-law or µ-law.
 * @throws `INVALID_INPUT` for a wrong header or a file that was cut, `UNSUPPORTED_MEDIA_TYPE` for other samples
 */
export const openWav = (bytes: Uint8Array): AudioStream => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const container = String.fromCharCode(...bytes.subarray(0, 4));
  const numbers: Numbers = { view, isLittle: CONTAINERS.get(container) ?? true };
  const chunks = findChunks(bytes, numbers);
  const [fmt, data] = [chunks.get('fmt '), chunks.get('data')];
  if (fmt === undefined || data === undefined)
    return refuseAudio('wav', `has no "${fmt === undefined ? 'fmt ' : 'data'}" chunk; check that the file is complete`);
  const format = parseFormat(bytes, numbers, fmt);
  const { channels, sampleRate, sampleBytes } = format;
  const sampleCount = Math.floor(dataBytes(numbers, data, chunks.get('ds64')) / (channels * sampleBytes));
  const blocks = () => readBlocks(numbers, data.start, sampleCount, format);
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
