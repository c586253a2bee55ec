import { type BootstrapOptions, bootstrap, type Interval, Z_95 } from './interval.ts';
import type { Figures, Scoring } from './scoring.ts';

/** McNemar's test of two shares of the same samples. */
export interface McNemar {
  /** Samples that count for the first model alone. */
  readonly onlyFirst: number;
  /** Samples that count for the second model alone. */
  readonly onlySecond: number;
  /** Probability of so large a difference between models that are equally good: the exact test, and its mid-p form. */
  readonly exactP: number;
  readonly midP: number;
}

/** A figure of two models on the same samples: the second minus the first, with its 95 % interval. */
export interface Compared extends Interval {
  readonly first: number;
  readonly second: number;
  readonly difference: number;
  readonly test?: McNemar;
}

/** The natural logarithm of n!. */
const logFactorial = (n: number): number => {
  let sum = 0;
  for (let factor = 2; factor <= n; factor += 1) sum += Math.log(factor);
  return sum;
};

/** @returns the probabilities as `mcnemar(exact=True)` of statsmodels has them */
export const mcNemar = (onlyFirst: number, onlySecond: number): McNemar => {
  const all = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  let last = Math.exp(logFactorial(all) - logFactorial(fewer) - logFactorial(all - fewer) - all * Math.LN2);
  const atFewer = last;
  let upToFewer = 0;
  for (let count = fewer; count >= 0; count -= 1) {
    upToFewer += last;
    last *= count / (all - count + 1);
  }
  return { onlyFirst, onlySecond, exactP: Math.min(1, 2 * upToFewer), midP: 2 * upToFewer - atFewer };
};

/** The interval of the difference of two shares of the same samples: Agresti and Min (2005), which adds half a sample to each kind of pair. */
export const pairedShares = (onlyFirst: number, onlySecond: number, samples: number): Interval => {
  const [first, second, all] = [onlyFirst + 0.5, onlySecond + 0.5, samples + 2];
  const centre = (second - first) / all;
  const half = (Z_95 * Math.sqrt(first + second - (second - first) ** 2 / all)) / all;
  return { low: Math.max(-1, centre - half), high: Math.min(1, centre + half) };
};

const countOnly = (one: Uint8Array, other: Uint8Array): number =>
  one.reduce((sum, flag, sample) => sum + (flag === 1 && other[sample] === 0 ? 1 : 0), 0);

const subtract = (first: Figures, second: Figures): Figures =>
  Object.fromEntries(
    Object.entries(second).flatMap(([name, value]) => {
      const before = first[name];
      return before === undefined ? [] : [[name, value - before]];
    }),
  );

/**
 * Every figure that both models have, on the same samples in the same order. A share of the samples is compared by McNemar's test, any other
 * figure by drawing the same samples for both (paired bootstrap).
 */
export const compareScorings = (
  first: Scoring,
  second: Scoring,
  options: BootstrapOptions = {},
): Readonly<Record<string, Compared>> => {
  const { samples } = first;
  const [before, after] = [first.figures(), second.figures()];
  const differences = subtract(before, after);
  const intervals = bootstrap(samples, (weights) => subtract(first.figures(weights), second.figures(weights)), options);
  return Object.fromEntries(
    Object.entries(differences).map(([name, difference]) => {
      const figures = { first: before[name] ?? Number.NaN, second: after[name] ?? Number.NaN, difference };
      const [firstShare, secondShare] = [first.shares[name], second.shares[name]];
      if (!firstShare || !secondShare)
        return [name, { ...figures, ...(intervals[name] ?? { low: difference, high: difference }) }];
      const test = mcNemar(countOnly(firstShare, secondShare), countOnly(secondShare, firstShare));
      return [name, { ...figures, ...pairedShares(test.onlyFirst, test.onlySecond, samples), test }];
    }),
  );
};
