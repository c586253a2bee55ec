import * as v from 'valibot';

/**
 * Positive numbers by bins of a fixed width: four bins from a number to its double. Histograms with the same bins are added exactly, whoever
 * counted them. A quantile of latencies is right to 2 % or so.
 */
export type Histogram = Readonly<Record<string, number>>;

const BINS_PER_OCTAVE = 4;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const histogramSchema = v.record(v.pipe(v.string(), v.regex(/^-?\d{1,3}$/)), count);

/** The bin of a number. Bin 0 begins at 1, bin 4 at 2. */
export const binOf = (value: number): number =>
  Math.floor(BINS_PER_OCTAVE * Math.log2(Math.max(value, Number.MIN_VALUE)));

/** The least number of a bin. */
export const binStart = (bin: number): number => 2 ** (bin / BINS_PER_OCTAVE);

/** Adds the counts of `more` to `counts`. */
export const addHistogram = (counts: Record<string, number>, more: Histogram): void => {
  for (const [bin, times] of Object.entries(more)) counts[bin] = (counts[bin] ?? 0) + times;
};

export const totalOf = (histogram: Histogram): number =>
  Object.values(histogram).reduce((sum, times) => sum + times, 0);

/**
 * The number below which a share of the counted ones lies. Within its bin, numbers are taken to lie evenly on the scale of logarithms.
 * @returns undefined for an empty histogram
 */
export const quantile = (histogram: Histogram, share: number): number | undefined => {
  const total = totalOf(histogram);
  const bins = Object.entries(histogram)
    .map(([bin, times]) => [Number(bin), times] as const)
    .filter(([, times]) => times > 0)
    .sort(([one], [other]) => one - other);
  let below = 0;
  for (const [bin, times] of bins) {
    if (below + times >= share * total) return binStart(bin + (share * total - below) / times);
    below += times;
  }
  return undefined;
};
