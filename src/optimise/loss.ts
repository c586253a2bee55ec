import type { Answer } from '../core/answer.ts';
import { refuse } from '../core/errors.ts';
import { shorten, show } from '../core/show.ts';
import { judgeOf, labelsOf } from '../evaluation/judges/index.ts';
import { pairedShares } from '../metrics/comparison.ts';
import { type Interval, Z_95 } from '../metrics/interval.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { labelledTask, valueOfOne } from './labelled-tasks.ts';
import type { Sample } from './measuring/jobs.ts';
import { similarityOf, topLabelOf } from './similarity.ts';

/** The loss of a metric by an optimisation, with its 95 % interval. */
export interface Loss {
  readonly metric: string;
  /** The metric of the original, and that of the candidate. */
  readonly original: number;
  readonly candidate: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

type Answers = readonly (Answer | string)[];

/** The model whose answers are compared: its task says what labels are. */
export type LabelledModel = Pick<PublishedBundle, 'task' | 'settings'>;

/** A sample's score with both models, 1 at best. Without a label, the answer of the original is right. */
const scoreSample = ({ label }: Sample, original: Answer, candidate: Answer | string, model: LabelledModel) => {
  const labelled = labelledTask(model.task);
  if (label !== undefined && labelled !== undefined) {
    const score = (answer: Answer | string): number =>
      typeof answer === 'string' ? 0 : labelled.score(label, valueOfOne(answer));
    return { metric: labelled.measure, first: score(original), second: score(candidate) };
  }
  const top = topLabelOf(original);
  if (typeof label !== 'string' || top === undefined) {
    const { measure, value } = similarityOf(original, candidate);
    return { metric: measure, first: 1, second: value };
  }
  // Files may have labels by number.
  const labels = labelsOf(model.settings);
  const isRight = (found: string | undefined): number => Number(found === label || found === labels[Number(label)]);
  return { metric: 'accuracy', first: isRight(top), second: isRight(topLabelOf(candidate)) };
};

/** @throws `INVALID_REQUEST` for a label that the model cannot answer: both versions would be wrong, and no loss would be seen */
export const assertLabels = (samples: readonly Sample[], originals: Answers, model: LabelledModel): void => {
  const labels = labelsOf(model.settings);
  const isLabelled = labelledTask(model.task) !== undefined;
  for (const [index, { name, label }] of samples.entries()) {
    if (label === undefined) continue;
    if (isLabelled) judgeOf(model.task, model.settings).checkLabel(label, { labels }, name);
    if (isLabelled || labels.length === 0 || topLabelOf(originals[index] ?? '') === undefined) continue;
    if (typeof label === 'string' && (labels.includes(label) || labels[Number(label)] !== undefined)) continue;
    refuse(
      'INVALID_REQUEST',
      `${name} has the label ${show(label)}, expected one of ${shorten(labels.join(', '))}, or its number`,
    );
  }
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The 97.5 % quantiles of Student's distribution for 1, 2, … degrees of freedom. */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
];

/** The interval of a mean; that of a single value is as wide as it can be. */
const meanInterval = (values: readonly number[]): Interval => {
  const [centre, degrees] = [mean(values), values.length - 1];
  if (degrees < 1) return { low: -1, high: 1 };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / degrees;
  const quantile = STUDENT[degrees - 1] ?? Z_95 + 2.5 / degrees;
  const half = quantile * Math.sqrt(variance / values.length);
  return { low: Math.max(-1, centre - half), high: Math.min(1, centre + half) };
};

/**
 * The loss over the samples that the original answers. Its interval is that of paired shares where every sample is right or wrong, and
 * Student's otherwise: a bootstrap of a few samples is too narrow.
 */
export const measureLoss = (
  samples: readonly Sample[],
  originals: Answers,
  candidates: Answers,
  model: LabelledModel,
): Loss => {
  const scored = samples.flatMap((sample, index) => {
    const original = originals[index] ?? '';
    return typeof original === 'string' ? [] : [scoreSample(sample, original, candidates[index] ?? '', model)];
  });
  const losses = scored.map(({ first, second }) => first - second);
  const count = losses.length;
  const isShare = scored.every(({ first, second }) => [first, second].every((value) => value === 0 || value === 1));
  const only = (wanted: number): number => losses.filter((loss) => loss === wanted).length;
  const shares = pairedShares(only(1), only(-1), count);
  return {
    metric: scored[0]?.metric ?? 'same answer',
    original: mean(scored.map(({ first }) => first)),
    candidate: mean(scored.map(({ second }) => second)),
    value: mean(losses),
    ...(isShare ? { low: -shares.high, high: -shares.low } : meanInterval(losses)),
    samples: count,
  };
};
