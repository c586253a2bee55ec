import type { Range, Ranges } from './passes/unsigned.ts';

/** Ways from the numbers that samples gave to the range that integers stand for. */
export type Calibration = 'minmax' | 'percentile' | 'entropy';

/** Share of the numbers that a percentile range has. */
const PERCENTILE = 0.9999;
/** Levels of an integer of 8 bits, for one sign. */
const LEVELS = 128;
/** Distance of the thresholds that are tried, in bins. */
const STEP = 16;

const sumOf = (histogram: Float64Array): number => histogram.reduce((sum, count) => sum + count, 0);

/** The number of bins below which `PERCENTILE` of the numbers lie. */
const percentileBins = (histogram: Float64Array): number => {
  const wanted = sumOf(histogram) * PERCENTILE;
  let sum = 0;
  const last = histogram.findIndex((count) => {
    sum += count;
    return sum >= wanted;
  });
  return last + 1;
};

/** The Kullback–Leibler divergence of the first `bins` of a histogram from what is left of them in `LEVELS` levels. */
const divergence = (histogram: Float64Array, bins: number): number => {
  const reference = histogram.slice(0, bins);
  reference[bins - 1] = (reference[bins - 1] ?? 0) + sumOf(histogram.subarray(bins));
  const [total, kept] = [sumOf(reference), sumOf(histogram.subarray(0, bins))];
  let result = 0;
  for (let level = 0; level < LEVELS; level += 1) {
    const [start, end] = [Math.floor((level * bins) / LEVELS), Math.floor(((level + 1) * bins) / LEVELS)];
    const counts = histogram.subarray(start, end);
    const used = counts.reduce((count, value) => count + Number(value > 0), 0);
    const each = used === 0 ? 0 : sumOf(counts) / used;
    for (let bin = start; bin < end; bin += 1) {
      const share = (reference[bin] ?? 0) / total;
      if (share > 0) result += share * Math.log(share / Math.max(((histogram[bin] ?? 0) > 0 ? each : 0) / kept, 1e-12));
    }
  }
  return result;
};

/** The number of bins that lose least. Migacz, 8-bit inference with TensorRT (2017). */
const entropyBins = (counted: Float64Array): number => {
  const histogram = counted.slice();
  histogram[0] = histogram[1] ?? 0; // zeros are exact at any scale, and would outweigh everything
  let [best, least] = [histogram.length, Number.POSITIVE_INFINITY];
  for (let bins = LEVELS; bins <= histogram.length; bins += STEP) {
    const found = divergence(histogram, bins);
    if (found < least) [best, least] = [bins, found];
  }
  return best;
};

const FIND_BINS = { percentile: percentileBins, entropy: entropyBins } as const;

/**
 * Ranges of tensors.
 * @param ranges the least and the largest number of each tensor
 * @param histograms counts of absolute values in equal bins up to the largest one
 */
export const calibrate = (
  calibration: Calibration,
  ranges: Ranges,
  histograms: ReadonlyMap<string, Float64Array>,
): Ranges => {
  if (calibration === 'minmax') return ranges;
  return new Map(
    [...ranges].map(([name, [low, high]]): [string, Range] => {
      const histogram = histograms.get(name);
      if (histogram === undefined) return [name, [low, high]];
      const most = Math.max(Math.abs(low), Math.abs(high));
      const bound = (FIND_BINS[calibration](histogram) / histogram.length) * most;
      return [name, [Math.max(low, -bound), Math.min(high, bound)]];
    }),
  );
};
