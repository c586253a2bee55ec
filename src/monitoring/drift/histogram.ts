import * as v from 'valibot';
import type { Feature } from '../../core/features.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Bins of a feature, fixed by the baseline. */
const binsSchema = v.variant('kind', [
  v.object({
    kind: v.literal('number'),
    /** Upper ends of the bins but the last one, ascending: a value at an end lies in the bin above. */
    edges: v.array(v.number()),
    /** Least and greatest value of the baseline. */
    least: v.number(),
    most: v.number(),
  }),
  v.object({
    kind: v.literal('category'),
    /** The most frequent values, each a bin; the last bin has all others. */
    categories: v.array(v.string()),
    /** Hashes of further values of the baseline, which are not new. */
    rare: v.array(v.string()),
  }),
]);

/** Counts of values in bins. Histograms of the same bins are added exactly. */
const countsSchema = v.object({
  bins: v.array(count),
  missing: count,
  /** Numbers outside of the baseline's range, or categories that it has not. They are in bins, too. */
  strange: count,
});

export const baselineFeatureSchema = v.object({ bins: binsSchema, counts: countsSchema });

export type Bins = v.InferOutput<typeof binsSchema>;
export type FeatureCounts = v.InferOutput<typeof countsSchema>;
export type BaselineFeature = v.InferOutput<typeof baselineFeatureSchema>;
export { countsSchema };

const QUANTILES = 10;
/** So many different numbers, such as counts or flags, each have a bin of their own. */
const MOST_DISTINCT = 20;
const MOST_CATEGORIES = 20;
const MOST_RARE = 2_000;

/** FNV-1a, 32 bits: short, and no value can be read from it. */
const hashOf = (text: string): string => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36);
};

/** Index of the bin of a number, by bisection. */
const binOf = (value: number, edges: readonly number[]): number => {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < (edges[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
    else low = middle + 1;
  }
  return low;
};

const numberBins = (values: readonly number[]): Bins => {
  const sorted = [...Float64Array.from(values).sort()];
  const distinct = [...new Set(sorted)];
  const [least = 0, most = least] = [sorted[0], sorted.at(-1)];
  const edges =
    distinct.length <= MOST_DISTINCT
      ? distinct.slice(1).map((value, index) => (value + (distinct[index] ?? value)) / 2)
      : Array.from(
          { length: QUANTILES - 1 },
          (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / QUANTILES)] ?? 0,
        );
  return { kind: 'number', edges: [...new Set(edges)], least, most };
};

const categoryBins = (values: readonly string[]): Bins => {
  const frequencies = [...Map.groupBy(values, (value) => value)]
    .map(([value, { length }]) => [value, length] as const)
    .sort(([one, times], [other, otherTimes]) => otherTimes - times || (one < other ? -1 : 1));
  const names = frequencies.map(([value]) => value);
  return {
    kind: 'category',
    categories: names.slice(0, MOST_CATEGORIES),
    rare: names.slice(MOST_CATEGORIES, MOST_CATEGORIES + MOST_RARE).map(hashOf),
  };
};

/** The bins for the values of a baseline: by quantiles, or the most frequent categories. Texts among numbers make categories of all. */
export const makeBins = (values: readonly Feature[]): Bins => {
  const present = values.filter((value) => value !== null);
  const numbers = present.filter((value) => typeof value === 'number');
  return numbers.length === present.length ? numberBins(numbers) : categoryBins(present.map(String));
};

/** An empty histogram of these bins. */
export const noCounts = (bins: Bins): FeatureCounts => ({
  bins: new Array<number>((bins.kind === 'number' ? bins.edges.length : bins.categories.length) + 1).fill(0),
  missing: 0,
  strange: 0,
});

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counts a value. A text among numbers is strange, and lies in no bin. */
const countValue = (counts: Mutable<FeatureCounts>, bins: Bins, value: Feature): void => {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) {
    counts.missing += 1;
    return;
  }
  if (bins.kind === 'category') {
    const index = bins.categories.indexOf(String(value));
    const bin = index < 0 ? bins.categories.length : index;
    counts.bins[bin] = (counts.bins[bin] ?? 0) + 1;
    if (index < 0 && !bins.rare.includes(hashOf(String(value)))) counts.strange += 1;
    return;
  }
  if (typeof value !== 'number' || value < bins.least || value > bins.most) counts.strange += 1;
  if (typeof value !== 'number') return;
  const bin = binOf(value, bins.edges);
  counts.bins[bin] = (counts.bins[bin] ?? 0) + 1;
};

/** The histogram of values. */
export const countValues = (bins: Bins, values: readonly Feature[]): FeatureCounts => {
  const counts = noCounts(bins);
  for (const value of values) countValue(counts, bins, value);
  return counts;
};

/** The sum of two histograms of the same bins. */
export const addCounts = (one: FeatureCounts, other: FeatureCounts): FeatureCounts => ({
  bins: one.bins.map((times, bin) => times + (other.bins[bin] ?? 0)),
  missing: one.missing + other.missing,
  strange: one.strange + other.strange,
});
