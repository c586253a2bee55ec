import { refuse } from '../core/errors.ts';
import { type Compared, compareScorings } from '../metrics/comparison.ts';
import { type Measured, measure } from '../metrics/interval.ts';
import type { Scoring } from '../metrics/scoring.ts';
import { type AnsweringModel, answerBatch, batchesOf } from './answer-batch.ts';
import { checkSamples, refuseUnlabelled } from './check-samples.ts';
import { judgeOf, labelsOf } from './judges/index.ts';
import type { Collector, Judge, ModelLabels, UnlabelledJudge } from './judges/judge.ts';
import type { Samples } from './samples/sample.ts';

export interface EvaluateOptions {
  /** Seed of the bootstrap. Default 1. */
  readonly seed?: number;
  /** Called with the bytes of the samples that were answered. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface Evaluation {
  readonly task: string;
  readonly samples: number;
  readonly models: readonly {
    readonly name: string;
    /** The figures by name; none for samples without labels. */
    readonly metrics: Readonly<Record<string, Measured>>;
    readonly details: Readonly<Record<string, unknown>>;
  }[];
  /** The second model against the first, by the labels. */
  readonly comparison?: Readonly<Record<string, Compared>>;
  /** The answers of the second model against those of the first, without labels. */
  readonly agreement?: Readonly<Record<string, Measured>>;
}

interface Collected {
  readonly byLabels: readonly Collector<unknown>[];
  readonly agreement: Collector<unknown> | undefined;
}

const collect = async (
  samples: Samples,
  models: readonly AnsweringModel[],
  judge: Judge,
  labels: ModelLabels,
  isLabelled: boolean,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<Collected> => {
  const byLabels = isLabelled ? models.map(() => judge.compareWithLabels(labels)) : [];
  const agreement = models.length > 1 ? judge.compareWithAnswers() : undefined;
  const parameters = judge.parameters(labels);
  for await (const batch of batchesOf(samples)) {
    const answers: (readonly unknown[])[] = [];
    for (const model of models) answers.push(await answerBatch(model, batch, parameters));
    batch.forEach(({ label }, index) => {
      for (const [which, collector] of byLabels.entries()) collector.add(label, answers[which]?.[index]);
      agreement?.add(answers[0]?.[index], answers[1]?.[index]);
    });
    onProgress(batch.at(-1)?.endBytes ?? 0, samples.totalBytes);
  }
  onProgress(samples.totalBytes, samples.totalBytes);
  return { byLabels, agreement };
};

/** Measures the answers of one model to samples without labels. */
const measureUnlabelled = async (
  samples: Samples,
  count: number,
  model: AnsweringModel,
  judge: UnlabelledJudge,
  { seed = 1, onProgress = () => {} }: EvaluateOptions,
): Promise<Evaluation> => {
  const collector = judge.measure();
  for await (const batch of batchesOf(samples)) {
    for (const answer of await answerBatch(model, batch, judge.parameters)) collector.add(answer);
    onProgress(batch.at(-1)?.endBytes ?? 0, samples.totalBytes);
  }
  onProgress(samples.totalBytes, samples.totalBytes);
  const { name, task } = model;
  const metrics = measure(collector.scoring(), { seed, resamples: resamplesOf(task, count) });
  return { task, samples: count, models: [{ name, metrics, details: collector.details() }] };
};

/** Samples that the bootstrap draws in all, so that its time is bounded. */
const MOST_DRAWS = 20_000_000;

/** The number of times that the bootstrap draws: fewer for many samples, and for detections, which take longest. */
const resamplesOf = (task: string, samples: number): number => {
  const most = task === 'object-detection' ? 200 : 1000;
  return Math.max(100, Math.min(most, Math.floor(MOST_DRAWS / samples)));
};

/**
 * Measures one model on samples with labels, or two on the same samples. Without labels, two models are measured by their agreement, and a
 * model that generates text by its perplexity.
 * Memory holds a batch of inputs, and of each answer no more than its figures need.
 *
 * @throws `INVALID_INPUT` naming the sample that is wrong, `INVALID_REQUEST` for a task that cannot be evaluated, and what the models throw
 */
export const evaluate = async (
  samples: Samples,
  models: readonly [AnsweringModel] | readonly [AnsweringModel, AnsweringModel],
  evaluateOptions: EvaluateOptions = {},
): Promise<Evaluation> => {
  const { seed = 1, onProgress = () => {} } = evaluateOptions;
  const [first, second] = models;
  const { task } = first;
  if (second && second.task !== task)
    refuse(
      'INVALID_REQUEST',
      `${first.name} has the task ${task} and ${second.name} ${second.task}: only the same task compares`,
    );
  const judge = judgeOf(task, first.settings);
  const labels = { labels: labelsOf(first.settings) };
  const { count, isLabelled } = await checkSamples(samples, judge, labels);
  if (count > 0 && !isLabelled && !second && judge.unlabelled)
    return measureUnlabelled(samples, count, first, judge.unlabelled, evaluateOptions);
  if (count === 0 || (!isLabelled && !second)) return refuseUnlabelled(samples);
  const { byLabels, agreement } = await collect(samples, models, judge, labels, isLabelled, onProgress);
  const options = { seed, resamples: resamplesOf(task, count) };
  const scorings = byLabels.map((collector): Scoring => collector.scoring());
  const [before, after] = scorings;
  return {
    task,
    samples: count,
    models: models.map(({ name }, which) => {
      const scoring = scorings[which];
      return {
        name,
        metrics: scoring ? measure(scoring, options) : {},
        details: byLabels[which]?.details() ?? {},
      };
    }),
    ...(before && after && { comparison: compareScorings(before, after, options) }),
    ...(agreement && { agreement: measure(agreement.scoring(), options) }),
  };
};
