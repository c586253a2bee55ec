import { chiSquareBound } from './chi-square.ts';
import {
  type Counts,
  jensenShannon,
  kolmogorovProbability,
  kolmogorovSmirnov,
  pearsonStatistic,
  stabilityIndex,
  totalOf,
} from './divergence.ts';
import type { BaselineFeature, FeatureCounts } from './histogram.ts';

/** A verdict below so many samples would be chance: an index of 0.1 comes without any drift in 91 % of windows of 50. */
export const LEAST_SAMPLES = 200;
/** Probability of a false alarm of one window, over all of its features. */
const FALSE_ALARMS = 0.0001;
/** Drift from which people are warned, and from which they are alarmed. */
const [WARNING, ALARM] = [0.1, 0.2];

export type Verdict = 'too few' | 'ok' | 'warning' | 'drift';

/** Aspects of a feature that are compared: where its values lie, how many are missing, how many the baseline did not have. */
type Aspect = 'values' | 'missing' | 'strange';

/** The comparison of a feature with its baseline. */
export interface FeatureJudgement {
  readonly verdict: Verdict;
  /** The aspect that drifted most. */
  readonly aspect: Aspect;
  /** Its stability index, less what the number of samples makes it without a drift; 0 at least. */
  readonly drift: number;
  /** Its stability index, and the bound that the index exceeds by chance once in ten thousand windows. */
  readonly index: number;
  readonly bound: number;
  /** The figures of the values in bins. */
  readonly ks: number;
  readonly ksProbability: number;
  readonly jensenShannon: number;
  readonly missingShare: number;
  readonly strangeShare: number;
}

interface Compared {
  readonly aspect: Aspect;
  readonly index: number;
  readonly bound: number;
  readonly drift: number;
  /** Pearson's test finds no difference: the index makes much of bins with few values. */
  readonly isChance: boolean;
}

/** Values that a bin should have without a drift, for its count to be nearly normal (Cochran 1954). */
const LEAST_EXPECTED = 5;

/** Both histograms with their rare bins as one: an empty bin where two values were expected is chance, and would make a large index. */
const pool = (base: Counts, current: Counts): [Counts, Counts] => {
  const scale = totalOf(current) / totalOf(base);
  const isRare = base.map((times) => times * scale < LEAST_EXPECTED);
  const part = (counts: Counts): Counts => {
    const kept = counts.filter((_, bin) => !isRare[bin]);
    const rare = counts.filter((_, bin) => isRare[bin]);
    return rare.length === 0 ? kept : [...kept, totalOf(rare)];
  };
  return [part(base), part(current)];
};

/**
 * Compares two histograms. With B bins and w = 1/n + 1/m, the index without a drift is (B - 1)·w on average. Index/w has the chi-squared
 * distribution with B - 1 degrees of freedom then (Yurdakul and Naranjo 2020).
 */
const compare = (aspect: Aspect, base: Counts, current: Counts, tail: number): Compared => {
  const [before, now] = pool(base, current);
  const freedom = Math.max(1, before.length - 1);
  const weight = 1 / totalOf(base) + 1 / totalOf(current);
  const index = stabilityIndex(before, now);
  const quantile = chiSquareBound(tail, freedom);
  const isChance = pearsonStatistic(before, now) <= quantile;
  return { aspect, index, bound: quantile * weight, drift: Math.max(0, index - freedom * weight), isChance };
};

const isSignificant = ({ index, bound, drift, isChance }: Compared): boolean =>
  !isChance && index > bound && drift > WARNING;

const sizeOf = ({ bins, missing }: FeatureCounts): number => totalOf(bins) + missing;

const verdictOf = (compared: Compared): Verdict => {
  if (!isSignificant(compared)) return 'ok';
  return compared.drift > ALARM ? 'drift' : 'warning';
};

/** @param tests features that are judged together */
const judgeFeature = (base: BaselineFeature, current: FeatureCounts, tests: number): FeatureJudgement => {
  const { counts, bins } = base;
  const [before, now] = [sizeOf(counts), sizeOf(current)];
  const tail = FALSE_ALARMS / (3 * tests);
  const pair = (part: (of: FeatureCounts) => number, size: number, of: FeatureCounts): Counts => [
    part(of),
    Math.max(0, size - part(of)),
  ];
  const hasValues = totalOf(current.bins) > 0 && totalOf(counts.bins) > 0;
  const aspects = [
    ...(hasValues ? [compare('values', counts.bins, current.bins, tail)] : []),
    compare(
      'missing',
      pair(({ missing }) => missing, before, counts),
      pair(({ missing }) => missing, now, current),
      tail,
    ),
    compare(
      'strange',
      pair(({ strange }) => strange, before, counts),
      pair(({ strange }) => strange, now, current),
      tail,
    ),
  ];
  const rank = (compared: Compared): number => (isSignificant(compared) ? 1_000 : 0) + compared.drift;
  const worst = aspects.reduce((one, other) => (rank(other) > rank(one) ? other : one));
  const ks = hasValues && bins.kind === 'number' ? kolmogorovSmirnov(counts.bins, current.bins) : 0;
  return {
    ...worst,
    verdict: verdictOf(worst),
    ks,
    ksProbability: kolmogorovProbability(ks, totalOf(counts.bins), totalOf(current.bins)),
    jensenShannon: hasValues ? jensenShannon(counts.bins, current.bins) : 0,
    missingShare: current.missing / now,
    strangeShare: current.strange / now,
  };
};

/** The judgement of a window. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly samples: number;
  /** The feature that drifted most, and its drift. */
  readonly worst: { readonly feature: string; readonly drift: number } | undefined;
  /** Features with a warning or a drift. */
  readonly drifted: readonly string[];
  readonly features: Readonly<Record<string, FeatureJudgement>>;
}

const RANK: Readonly<Record<Verdict, number>> = { 'too few': 0, ok: 1, warning: 2, drift: 3 };

/** Judges the histograms of a window against the baseline's. Features without values in the window are left out. */
export const judgeWindow = (
  baseline: Readonly<Record<string, BaselineFeature>>,
  window: Readonly<Record<string, FeatureCounts>>,
  samples: number,
): Judgement => {
  if (samples < LEAST_SAMPLES) return { verdict: 'too few', samples, worst: undefined, drifted: [], features: {} };
  const pairs = Object.entries(baseline).flatMap(([name, base]) => {
    const current = window[name];
    return current !== undefined && sizeOf(current) >= LEAST_SAMPLES ? [[name, base, current] as const] : [];
  });
  const judged = pairs.map(([name, base, current]) => [name, judgeFeature(base, current, pairs.length)] as const);
  const byDrift = judged.toSorted(
    ([, one], [, other]) => RANK[other.verdict] - RANK[one.verdict] || other.drift - one.drift,
  );
  const [first] = byDrift;
  return {
    verdict: first?.[1].verdict ?? 'ok',
    samples,
    worst: first && { feature: first[0], drift: first[1].drift },
    drifted: byDrift.filter(([, { verdict }]) => verdict === 'warning' || verdict === 'drift').map(([name]) => name),
    features: Object.fromEntries(judged),
  };
};
