import { describe, expect, it } from '@jest/globals';
import { createResampler } from '../../../../src/media/audio/resample.ts';

const tone = (hertz: number, rate: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));

const resample = (samples: Float32Array, from: number, to: number, blockSize = samples.length): Float32Array => {
  const resampler = createResampler(from, to);
  const blocks: number[] = [];
  for (let at = 0; at < samples.length; at += blockSize)
    blocks.push(...resampler.push(samples.slice(at, at + blockSize)));
  return Float32Array.from([...blocks, ...resampler.finish()]);
};

const loudest = (samples: Float32Array): number =>
  samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

describe('resampling', () => {
  it.each([
    [8_000, 16_000],
    [44_100, 16_000],
    [44_101, 16_000],
    [48_000, 16_000],
    [192_000, 16_000],
    [1_000, 16_000],
  ])('keeps a tone that both rates carry: %i → %i Hz', (from, to) => {
    const hertz = Math.min(from, to) / 8;
    const samples = resample(tone(hertz, from, from / 4), from, to);
    const expected = tone(hertz, to, samples.length);
    const middle = samples.map((sample, index) => sample - (expected[index] as number)).slice(to / 16, -to / 16);
    expect(loudest(middle)).toBeLessThan(2e-3);
  });

  it('takes away what the lower rate cannot carry', () => {
    expect(loudest(resample(tone(12_000, 48_000, 24_000), 48_000, 16_000).slice(500, -500))).toBeLessThan(2e-3);
  });

  it.each([1, 7, 1_000])('gives the same whatever the size of the blocks: %i samples', (blockSize) => {
    const samples = tone(440, 44_100, 3_000);
    expect(resample(samples, 44_100, 16_000, blockSize)).toEqual(resample(samples, 44_100, 16_000));
  });

  it.each([
    [1, 48_000, 1],
    [441, 44_100, 160],
    [442, 44_100, 161],
    [5, 8_000, 10],
  ])('makes of %i samples at %i Hz %i', (length, from, expected) => {
    expect(resample(new Float32Array(length).fill(0.5), from, 16_000)).toHaveLength(expected);
  });

  it('hands on what is at the rate already', () => {
    const samples = tone(440, 16_000, 100);
    expect(resample(samples, 16_000, 16_000)).toEqual(samples);
  });
});
