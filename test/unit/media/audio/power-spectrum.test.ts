import { describe, expect, it } from '@jest/globals';
import { createPowerSpectrum } from '../../../../src/media/audio/power-spectrum.ts';

const samples = Float32Array.from({ length: 1_000 }, (_, n) => Math.sin(n * n) * (n % 7));

const windowOf = (size: number): Float64Array => Float64Array.from({ length: size }, (_, n) => 0.1 + n / size);

/** The definition: |Σ x·w·e^(-2πikn/size)|². */
const bySum = (window: Float64Array, start: number, k: number): number => {
  let [re, im] = [0, 0];
  window.forEach((weight, n) => {
    const value = (samples[start + n] as number) * weight;
    re += value * Math.cos((2 * Math.PI * k * n) / window.length);
    im -= value * Math.sin((2 * Math.PI * k * n) / window.length);
  });
  return re * re + im * im;
};

describe('power spectrum', () => {
  it.each([4, 10, 16, 20, 250, 400])('of %i samples is what the sums of the definition are', (size) => {
    const window = windowOf(size);
    const power = createPowerSpectrum(window)(samples, 123);
    const expected = Array.from({ length: size / 2 + 1 }, (_, k) => bySum(window, 123, k));
    const largest = Math.max(...expected);
    expect(power).toHaveLength(size / 2 + 1);
    expect(Math.max(...expected.map((value, k) => Math.abs(value - (power[k] as number))))).toBeLessThan(
      largest * 1e-12,
    );
  });

  it('does not depend on what was transformed before', () => {
    const window = windowOf(400);
    const powerSpectrum = createPowerSpectrum(window);
    powerSpectrum(samples, 500);
    expect([...powerSpectrum(samples, 0)]).toEqual([...createPowerSpectrum(window)(samples, 0)]);
  });

  it('refuses sizes with other prime factors than 2 and 5', () => {
    expect(() => createPowerSpectrum(windowOf(12))).toThrow('only 2 and 5');
  });
});
