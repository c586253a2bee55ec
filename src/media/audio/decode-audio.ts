import { ServingError } from '../../core/errors.ts';
import { type AudioFile, type AudioFormat, type Block, refuseAudio } from './audio-file.ts';
import { openFlac } from './flac.ts';
import { sniffFormat } from './format.ts';
import { openMp3 } from './mp3.ts';
import { openOpus } from './ogg-opus.ts';
import { openVorbis } from './ogg-vorbis.ts';
import { createResampler } from './resample.ts';
import { openWav } from './wav.ts';

/** An hour at 16 kHz takes 230 MB, and twice that for a moment. */
export const MAX_AUDIO_SECONDS = 3_600;
const MAX_CHANNELS = 8;
const MIN_SAMPLE_RATE = 1_000;
const MAX_SAMPLE_RATE = 192_000;

/** `Record` makes the compiler ask how every format is opened. */
const OPEN: Record<AudioFormat, (bytes: Uint8Array) => AudioFile> = {
  wav: openWav,
  flac: openFlac,
  mp3: openMp3,
  'ogg-vorbis': openVorbis,
  'ogg-opus': openOpus,
};

const tooLong = (format: AudioFormat, maxSeconds: number): ServingError =>
  new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the recording (${format}) is longer than ${Math.floor(maxSeconds)} s; a request may have ${MAX_AUDIO_SECONDS} s of sound in all: send it in parts`,
  );

const assertHeader = ({ format, sampleRate, channels, sampleCount = 0 }: AudioFile, maxSeconds: number): void => {
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
    refuseAudio(
      format,
      `has a sample rate of ${sampleRate} Hz, expected ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}; check its header`,
    );
  if (channels < 1 || channels > MAX_CHANNELS)
    refuseAudio(format, `has ${channels} channels, expected 1 to ${MAX_CHANNELS}; send it as mono`);
  if (sampleCount > maxSeconds * sampleRate) throw tooLong(format, maxSeconds);
};

/** The mean of the channels. @throws `INVALID_INPUT` for a sample that is no finite number */
const toMono = (block: Block, format: AudioFormat): Float32Array => {
  const [first = new Float32Array()] = block;
  const mono = new Float32Array(first.length);
  for (let i = 0; i < mono.length; i += 1) {
    let sum = 0;
    for (const channel of block) sum += channel[i] as number;
    if (!Number.isFinite(sum)) refuseAudio(format, 'has samples that are no finite numbers (NaN or infinite)');
    mono[i] = sum / block.length;
  }
  return mono;
};

const join = (blocks: readonly Float32Array[]): Float32Array => {
  const joined = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    joined.set(block, at);
    at += block.length;
  }
  return joined;
};

/**
 * A recording in a file → its samples at `sampleRate` hertz, float32[n], the mean of its channels. Only the decoder that is needed is
 * loaded, and samples are held at the rate asked for alone.
 *
 * @throws `INVALID_INPUT` when it cannot be decoded, was cut or has no samples; `UNSUPPORTED_MEDIA_TYPE` for another format;
 *   `PAYLOAD_TOO_LARGE` when it is longer than `maxSeconds`, before it is decoded where its header says so
 */
export const decodeAudio = async (
  bytes: Uint8Array,
  sampleRate: number,
  maxSeconds: number = MAX_AUDIO_SECONDS,
): Promise<Float32Array> => {
  const file = OPEN[sniffFormat(bytes)](bytes);
  const { format, sampleCount = 0 } = file;
  assertHeader(file, maxSeconds);
  const resampler = createResampler(file.sampleRate, sampleRate);
  const blocks: Float32Array[] = [];
  let count = 0;
  for await (const block of file.blocks()) {
    const mono = toMono(block, format);
    count += mono.length;
    if (count > maxSeconds * file.sampleRate) throw tooLong(format, maxSeconds);
    blocks.push(resampler.push(mono));
  }
  if (count === 0) return refuseAudio(format, 'has no samples');
  if (count < sampleCount)
    return refuseAudio(
      format,
      `was cut or is damaged: of ${sampleCount} samples ${count} are there; send the whole file`,
    );
  blocks.push(resampler.finish());
  return join(blocks);
};
