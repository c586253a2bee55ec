import { createSilence } from '../../src/media/audio/wav.ts';

/** The recordings of `test/reference/whisper.py`, made again: with integers alone, so that both make the same samples. */
export type RecordingSpec = readonly [seed: number, samples: number, gain: number, noise: number];

const SYLLABLE = 6_400;

/** jest's realm looks its globals up slowly, a dozen times a sample. */
const { abs, floor, imul, max, min } = Math;

const scramble = (n: number): number => {
  let hash = n | 0;
  for (let round = 0; round < 2; round += 1) hash = imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** A wave of 2^32 phases per period, from -16384 to 16384. */
const triangle = (phase: number): number => abs((phase >>> 16) - 32_768) - 16_384;

const clip = (value: number): number => max(-32_768, min(32_767, value));

/** Syllables of 0.4 s at 16 kHz, every fourth or so silent: float32[samples] within ±1, cut off there as a clipped recording is. */
export const recording = ([seed, samples, gain, noise]: RecordingSpec): Float32Array =>
  Float32Array.from({ length: samples }, (_, i) => {
    const position = i % SYLLABLE;
    const character = scramble(seed * 1_000 + floor(i / SYLLABLE));
    const step = (100 + (character % 400)) * 268_435;
    const wave =
      2 * triangle(imul(step, i)) +
      triangle(imul(step * (2 + ((character >>> 9) % 3)), i)) +
      triangle(imul(step * (7 + ((character >>> 13) % 5)), i));
    const envelope = (character >>> 20) % 4 === 0 ? 0 : min(position, SYLLABLE - position);
    const hiss = (scramble(i + seed) >>> 24) - 128;
    const value = floor((floor((wave * envelope) / 12_800) * gain) / 100) + hiss * noise;
    return clip(value) / 32_768;
  });

/** A WAV file of 16-bit samples at 16 kHz, which holds recordings without loss. */
export const toWav = (samples: Float32Array): Buffer<ArrayBuffer> => {
  const file = Buffer.from(createSilence(samples.length / 16_000, 16_000));
  samples.forEach((sample, n) => {
    file.writeInt16LE(sample * 32_768, file.length - 2 * (samples.length - n));
  });
  return file;
};
