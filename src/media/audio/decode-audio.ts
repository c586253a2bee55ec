import { assertTimeLeft, type Deadline } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { type AudioFormat, type AudioStream, type Block, refuseAudio } from './audio-stream.ts';
import { openFlac } from './flac.ts';
import { sniffFormat } from './format.ts';
import { openMp3 } from './mp3.ts';
import { openOpus } from './ogg-opus.ts';
import { openVorbis } from './ogg-vorbis.ts';
import { createResampler } from './resample.ts';
import { withoutLeadingTags } from './tags.ts';
import { openWav } from './wav.ts';

/** Most audio of a request. An hour takes 230 MB at 16 kHz, and twice as much when its header does not tell its length. */
export const MAX_AUDIO_SECONDS = 3_600;
const MAX_CHANNELS = 8;
const MIN_SAMPLE_RATE = 1_000;
const MAX_SAMPLE_RATE = 192_000;

/** A function for every format; `Record` makes the compiler refuse a format without a function. */
const OPEN: Record<AudioFormat, (bytes: Uint8Array) => AudioStream> = {
  wav: openWav,
  flac: openFlac,
  mp3: openMp3,
  'ogg-vorbis': openVorbis,
  'ogg-opus': openOpus,
};

const tooLong = (format: AudioFormat, maxSeconds: number): ServingError =>
  new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the audio file (${format}) is longer than ${Math.floor(maxSeconds)} s; a request may have ${MAX_AUDIO_SECONDS} s of audio in all: send it in parts`,
  );

const assertHeader = ({ format, sampleRate, channels, sampleCount = 0 }: AudioStream, maxSeconds: number): void => {
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
    refuseAudio(
      format,
      `has a sample rate of ${sampleRate} Hz, expected ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}; check its header`,
    );
  if (channels < 1 || channels > MAX_CHANNELS)
    refuseAudio(format, `has ${channels} channels, expected 1 to ${MAX_CHANNELS}; send it as mono`);
  if (sampleCount > maxSeconds * sampleRate) throw tooLong(format, maxSeconds);
};

/** The mean of the channels. @throws `INVALID_INPUT` for NaN and infinity */
const toMono = (block: Block, format: AudioFormat): Float32Array => {
  const [first = new Float32Array()] = block;
  const mono = new Float32Array(first.length);
  for (let i = 0; i < mono.length; i += 1) {
    let sum = 0;
    for (const channel of block) sum += channel[i] ?? 0;
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

/** Puts blocks one behind the other, at once into their place as far as `expected` samples go. */
const createCollector = (expected: number) => {
  const samples = new Float32Array(expected);
  const more: Float32Array[] = [];
  let length = 0;
  return {
    push(block: Float32Array): void {
      if (more.length > 0 || length + block.length > expected) more.push(block);
      else {
        samples.set(block, length);
        length += block.length;
      }
    },
    all: (): Float32Array => {
      const first = length === expected ? samples : samples.subarray(0, length);
      return more.length === 0 ? first : join([first, ...more]);
    },
  };
};

/**
 * Decodes an audio file to samples float32[n] at `sampleRate` hertz, the mean of its channels. Loads only the decoder of its format,
 * and keeps samples only at that rate.
 *
 * If the header gives the length, it is checked before decoding.
 *
 * @throws `INVALID_INPUT` for a file that cannot be decoded, was cut or has no samples. `UNSUPPORTED_MEDIA_TYPE` for another format.
 *   `PAYLOAD_TOO_LARGE` for more than `maxSeconds`. `DEADLINE_EXCEEDED` with the seconds that were decoded.
 */
export const decodeAudio = async (
  file: Uint8Array,
  sampleRate: number,
  deadline: Deadline,
  maxSeconds: number = MAX_AUDIO_SECONDS,
): Promise<Float32Array> => {
  const bytes = withoutLeadingTags(file);
  const stream = OPEN[sniffFormat(bytes)](bytes);
  const { format, sampleCount = 0 } = stream;
  assertHeader(stream, maxSeconds);
  const resampler = createResampler(stream.sampleRate, sampleRate);
  const collected = createCollector(Math.ceil((sampleCount * sampleRate) / stream.sampleRate));
  let count = 0;
  for await (const block of stream.blocks()) {
    assertTimeLeft(deadline, `when ${Math.floor(count / stream.sampleRate)} s of the audio were decoded`);
    const mono = toMono(block, format);
    count += mono.length;
    if (count > maxSeconds * stream.sampleRate) throw tooLong(format, maxSeconds);
    collected.push(resampler.push(mono));
  }
  if (count === 0) return refuseAudio(format, 'has no samples');
  if (count < sampleCount)
    return refuseAudio(
      format,
      `was cut or is damaged: of ${sampleCount} samples ${count} are there; send the whole file`,
    );
  collected.push(resampler.finish());
  return collected.all();
};
