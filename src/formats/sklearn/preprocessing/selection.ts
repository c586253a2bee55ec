import type { Converter, Converters } from '../conversion.ts';
import type { Estimator } from '../estimator.ts';
import { selectColumns } from '../frame.ts';
import { importancesOf, thresholdOf } from './importances.ts';

/** Tells the columns that a selector keeps. */
type Mask = (estimator: Estimator) => readonly boolean[];

/** Indices by rising value; equal values keep their order, as numpy's merge sort has them. */
const argsort = (values: ArrayLike<number>): number[] =>
  Array.from(values, (_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);

/** Scores with the least number in the place of NaN. */
const readScores = (estimator: Estimator): Float64Array =>
  estimator.vector('scores_').map((score) => (Number.isNaN(score) ? -Number.MAX_VALUE : score));

const toMask = (length: number, kept: Iterable<number>): boolean[] => {
  const all = new Set(kept);
  return Array.from({ length }, (_, index) => all.has(index));
};

const bestOf = (estimator: Estimator, k: number): boolean[] => {
  const scores = readScores(estimator);
  return toMask(scores.length, k === 0 ? [] : argsort(scores).slice(-k));
};

/** The `percent`-th percentile, linear between ranks, as `numpy.percentile` gives it. */
const percentileOf = (values: Float64Array, percent: number): number => {
  const sorted = values.toSorted();
  const rank = ((sorted.length - 1) * percent) / 100;
  const [low, high] = [sorted[Math.floor(rank)] ?? Number.NaN, sorted[Math.ceil(rank)] ?? Number.NaN];
  const share = rank - Math.floor(rank);
  return share >= 0.5 ? high - (high - low) * (1 - share) : low + (high - low) * share;
};

const topPercent = (estimator: Estimator, percent: number): boolean[] => {
  const scores = readScores(estimator);
  if (percent === 100 || percent === 0) return Array.from(scores, () => percent === 100);
  const threshold = percentileOf(scores, 100 - percent);
  const above = Array.from(scores, (score) => score > threshold);
  const room = Math.trunc((scores.length * percent) / 100) - above.filter(Boolean).length;
  const ties = [...scores.keys()].filter((index) => scores[index] === threshold).slice(0, Math.max(0, room));
  return above.map((isAbove, index) => isAbove || ties.includes(index));
};

const below = (estimator: Estimator, most: number): boolean[] =>
  Array.from(estimator.vector('pvalues_'), (value) => value < most);

/** Benjamini-Hochberg: up to the last p-value below its share of alpha. */
const withinDiscoveryRate = (estimator: Estimator, alpha: number): boolean[] => {
  const values = estimator.vector('pvalues_');
  const sorted = values.toSorted();
  const most = sorted.findLast((value, index) => value <= (alpha / values.length) * (index + 1));
  return Array.from(values, (value) => most !== undefined && value <= most);
};

const UNIVARIATE: Readonly<Record<string, (estimator: Estimator, parameter: number) => boolean[]>> = {
  k_best: bestOf,
  percentile: topPercent,
  fpr: below,
  fwe: (estimator, alpha) => below(estimator, alpha / estimator.vector('pvalues_').length),
  fdr: withinDiscoveryRate,
};

const univariate = (mode: string, estimator: Estimator, parameter: string): readonly boolean[] => {
  if (estimator.get(parameter) === 'all') return Array.from(estimator.vector('scores_'), () => true);
  const select =
    UNIVARIATE[mode] ?? estimator.refuse(`mode is "${mode}", expected ${Object.keys(UNIVARIATE).join(', ')}`);
  return select(estimator, estimator.number(parameter));
};

const stored: Mask = (estimator) => Array.from(estimator.vector('support_'), (flag) => flag === 1);

const MASKS: Readonly<Record<string, Mask>> = {
  SelectKBest: (estimator) => univariate('k_best', estimator, 'k'),
  SelectPercentile: (estimator) => univariate('percentile', estimator, 'percentile'),
  SelectFpr: (estimator) => univariate('fpr', estimator, 'alpha'),
  SelectFwe: (estimator) => univariate('fwe', estimator, 'alpha'),
  SelectFdr: (estimator) => univariate('fdr', estimator, 'alpha'),
  GenericUnivariateSelect: (estimator) => univariate(estimator.text('mode'), estimator, 'param'),
  RFE: stored,
  RFECV: stored,
  SequentialFeatureSelector: stored,
  VarianceThreshold: (estimator) => {
    const least = estimator.number('threshold');
    return Array.from(estimator.vector('variances_'), (variance) => variance > least);
  },
  SelectFromModel: (estimator) => {
    const scores = importancesOf(estimator);
    const threshold = thresholdOf(estimator, scores);
    const most = estimator.find('max_features_', 'max_features');
    const candidates = argsort(scores.map((score) => -score)).slice(0, typeof most === 'number' ? most : scores.length);
    return toMask(
      scores.length,
      candidates.filter((index) => !((scores[index] ?? 0) < threshold)),
    );
  },
};

/** The indices of the columns that a selector keeps. */
export const selectedColumns = (estimator: Estimator): number[] =>
  (MASKS[estimator.name]?.(estimator) ?? []).flatMap((isKept, index) => (isKept ? [index] : []));

const select: Converter = (estimator, frame, { graph }) => {
  const kept = selectedColumns(estimator);
  if (kept.length === 0) return estimator.refuse('it selects no column');
  return { frame: selectColumns(graph, frame, kept) };
};

export const SELECTION: Converters = Object.fromEntries(Object.keys(MASKS).map((name) => [name, select]));

/** A selector that predicts with its estimator, where it is the last step. Before other steps, it is a selector alone. */
const predictor: Converter = (estimator, frame, conversion) => {
  const { frame: selected = [] } = select(estimator, frame, conversion);
  return { ...conversion.convert(estimator.estimator('estimator_'), selected), frame: selected };
};

export const SELECTING_PREDICTORS: Converters = { RFE: predictor, RFECV: predictor };
