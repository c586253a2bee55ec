import { createRandom } from '../core/random.ts';
import type { Figures, Scoring } from './scoring.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A figure with its 95 % interval. */
export interface Measured extends Interval {
  readonly value: number;
}

export interface BootstrapOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Default 1,000. */
  readonly resamples?: number;
}

/** The 97.5 % quantile of the normal distribution. */
export const Z_95 = 1.959963984540054;

/** The interval of a share, `count` of `samples`: Wilson (1927), as `proportion_confint(method='wilson')` of statsmodels. */
export const wilson = (count: number, samples: number): Interval => {
  const square = Z_95 ** 2;
  const centre = (count + square / 2) / (samples + square);
  const half = (Z_95 / (samples + square)) * Math.sqrt((count * (samples - count)) / samples + square / 4);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
};

/** The quantile of sorted numbers, between two neighbours by a line, as numpy has it. NaN of no numbers. */
export const quantile = (sorted: readonly number[], share: number): number => {
  const place = share * (sorted.length - 1);
  const [below = Number.NaN, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
  return below + (above - below) * (place - Math.floor(place));
};

/** The middle 95 % of `values`; those that are no numbers do not count. */
const middle = (values: readonly number[]): Interval => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
};

/**
 * The 95 % interval of the median, by the numbers at its two sides (Conover 1999, section 3.2). Up to five numbers say no more than their range.
 * @param values those that are no finite numbers do not count; NaN of none
 */
export const medianInterval = (values: readonly number[]): Interval => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  let below = 0; // so many numbers lie outside at each side
  let logChance = -sorted.length * Math.LN2; // of that; as a number, it would be 0 for many of them
  for (let sum = Math.exp(logChance); sum <= 0.025; sum += Math.exp(logChance)) {
    below += 1;
    logChance += Math.log((sorted.length - below + 1) / below);
  }
  const least = Math.max(0, below - 1);
  return { low: sorted.at(least) ?? Number.NaN, high: sorted.at(-1 - least) ?? Number.NaN };
};

/**
 * Intervals of figures by the bootstrap's percentiles (Efron 1979): the samples are drawn again with replacement, and `figures` of each draw
 * is taken.
 * @param figures takes the number of times that each of the samples was drawn
 */
export const bootstrap = (
  samples: number,
  figures: (weights: Uint32Array) => Figures,
  { seed = 1, resamples = 1000 }: BootstrapOptions = {},
): Readonly<Record<string, Interval>> => {
  const random = createRandom(seed);
  const values = new Map<string, number[]>();
  const weights = new Uint32Array(samples);
  for (let draw = 0; draw < resamples; draw += 1) {
    weights.fill(0);
    for (let sample = 0; sample < samples; sample += 1) {
      const drawn = Math.floor(random() * samples);
      weights[drawn] = (weights[drawn] ?? 0) + 1;
    }
    for (const [name, value] of Object.entries(figures(weights))) {
      const known = values.get(name);
      if (known) known.push(value);
      else values.set(name, [value]);
    }
  }
  return Object.fromEntries([...values].map(([name, drawn]) => [name, middle(drawn)]));
};

export const countOnes = (flags: Uint8Array): number => flags.reduce((sum, flag) => sum + flag, 0);

/** Each figure with its interval: Wilson's for a share of the samples, the bootstrap's for any other. */
export const measure = (scoring: Scoring, options: BootstrapOptions = {}): Readonly<Record<string, Measured>> => {
  const { samples, shares } = scoring;
  const intervals = bootstrap(samples, scoring.figures, options);
  return Object.fromEntries(
    Object.entries(scoring.figures()).map(([name, value]) => {
      const share = shares[name];
      const interval = share ? wilson(countOnes(share), samples) : (intervals[name] ?? { low: value, high: value });
      return [name, { value, ...interval }];
    }),
  );
};
