/** Counts of a histogram, by bin. */
export type Counts = readonly number[];

/** Values that each bin has beforehand (Jeffreys' prior), so that an empty one is no infinite drift. */
const PRIOR = 0.5;

export const totalOf = (counts: Counts): number => counts.reduce((sum, count) => sum + count, 0);

const sharesOf = (counts: Counts): number[] => {
  const total = totalOf(counts);
  return counts.map((count) => count / total);
};

const smoothed = (counts: Counts): number[] => sharesOf(counts.map((count) => count + PRIOR));

/** The population stability index: Jeffreys' divergence of two histograms with the same bins. */
export const stabilityIndex = (base: Counts, current: Counts): number => {
  const next = smoothed(current);
  return smoothed(base).reduce((sum, p, bin) => {
    const q = next[bin] ?? p;
    return sum + (p - q) * Math.log(p / q);
  }, 0);
};

/** Pearson's statistic for the homogeneity of two histograms; bins that are empty in both do not count. */
export const pearsonStatistic = (base: Counts, current: Counts): number => {
  const [before, now] = [totalOf(base), totalOf(current)];
  return base.reduce((sum, times, bin) => {
    const other = current[bin] ?? 0;
    const both = times + other;
    return both === 0 ? sum : sum + (times * now - other * before) ** 2 / (both * before * now);
  }, 0);
};

/** The statistic of Kolmogorov and Smirnov on bins: the largest difference of the two cumulative shares. */
export const kolmogorovSmirnov = (base: Counts, current: Counts): number => {
  const next = sharesOf(current);
  let [sum, largest] = [0, 0];
  for (const [bin, share] of sharesOf(base).entries()) {
    sum += share - (next[bin] ?? 0);
    largest = Math.max(largest, Math.abs(sum));
  }
  return largest;
};

/** The asymptotic probability of so large a statistic without a drift, as `scipy.stats.kstwobign` has it. On bins, it is too large. */
export const kolmogorovProbability = (statistic: number, base: number, current: number): number => {
  const x = Math.sqrt((base * current) / (base + current)) * statistic;
  if (x < 1e-9) return 1;
  let sum = 0;
  if (x < 1.18) {
    // The series of Jacobi's theta function, which converges for small values.
    for (let k = 1; k < 20; k += 2) sum += Math.exp((-(k ** 2) * Math.PI ** 2) / (8 * x ** 2));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  for (let k = 1; k < 20; k += 1) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k ** 2 * x ** 2);
  return sum;
};

const relativeEntropy = (p: number, q: number): number => (p > 0 ? p * Math.log2(p / q) : 0);

/** The Jensen-Shannon distance, 0 to 1: the root of the divergence in bits. */
export const jensenShannon = (base: Counts, current: Counts): number => {
  const next = sharesOf(current);
  const sum = sharesOf(base).reduce((total, p, bin) => {
    const q = next[bin] ?? 0;
    const middle = (p + q) / 2;
    return total + relativeEntropy(p, middle) + relativeEntropy(q, middle);
  }, 0);
  return Math.sqrt(Math.max(0, sum / 2));
};
