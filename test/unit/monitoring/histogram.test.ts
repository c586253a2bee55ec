import { expect, it } from '@jest/globals';
import { createRandom } from '../../../src/core/random.ts';
import { addHistogram, binOf, quantile, totalOf } from '../../../src/monitoring/histogram.ts';

const histogramOf = (values: readonly number[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) addHistogram(counts, { [binOf(value)]: 1 });
  return counts;
};

it('has the same quantiles whether it was counted at once or in twenty parts, within 5 %', () => {
  const random = createRandom(1);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const parts = Array.from({ length: 20 }, () => Array.from({ length: 5_000 }, () => Math.exp(3.5 + 0.6 * normal())));
  const all = parts.flat().sort((one, other) => one - other);
  const merged: Record<string, number> = {};
  for (const part of parts) addHistogram(merged, histogramOf(part));

  expect(merged).toEqual(histogramOf(all));
  expect(totalOf(merged)).toBe(100_000);
  for (const share of [0.5, 0.95, 0.99, 0.999]) {
    const [exact = 0, estimate = 0] = [all[Math.ceil(share * all.length) - 1], quantile(merged, share)];
    expect(Math.abs(estimate / exact - 1)).toBeLessThan(0.05);
  }
});

it('has no quantile without a number, and takes 0 and what lies far out', () => {
  expect(quantile({}, 0.5)).toBeUndefined();
  expect(quantile(histogramOf([0]), 0.5)).toBeGreaterThanOrEqual(0);
  expect(quantile(histogramOf([1e9]), 0.5)).toBeGreaterThan(0.8e9);
});
