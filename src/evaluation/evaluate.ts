import { access } from 'node:fs/promises';
import { refuse, ServingError } from '../core/errors.ts';
import { type Compared, compareScorings } from '../metrics/comparison.ts';
import { type Measured, measure } from '../metrics/interval.ts';
import type { Scoring } from '../metrics/scoring.ts';
import { judgeOf, labelsOf } from './judges/index.ts';
import type { Collector, Judge, ModelLabels } from './judges/judge.ts';
import type { Sample, SampleInput, Samples } from './samples/sample.ts';
import { LABEL_FIELDS } from './samples/to-sample.ts';

/** A model that answers inputs, wherever it runs. */
export interface AnsweringModel {
  /** For people, such as `sentiment version 2`. */
  readonly name: string;
  readonly task: string;
  /** The settings in its bundle. */
  readonly settings: unknown;
  /** The answer to each input. @throws `ServingError`, also for one wrong input among others */
  answer(inputs: readonly SampleInput[], parameters: Readonly<Record<string, unknown>>): Promise<readonly unknown[]>;
}

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

/** Samples that are answered together. */
const BATCH = 32;

/** Errors of a batch that its samples may not have by themselves: one of them is wrong, or all are too much at once. */
const BATCH_FAULTS: readonly string[] = [
  'INVALID_REQUEST',
  'INVALID_INPUT',
  'UNSUPPORTED_MEDIA_TYPE',
  'PAYLOAD_TOO_LARGE',
  'DEADLINE_EXCEEDED',
];

const isBatchFault = (error: unknown): boolean => error instanceof ServingError && BATCH_FAULTS.includes(error.code);

/** @throws `NOT_FOUND` naming the sample */
const assertFile = async ({ input, place }: Sample): Promise<void> => {
  if (!('file' in input)) return;
  await access(input.file).catch((error) => {
    throw new ServingError('NOT_FOUND', `${place}: there is no file ${input.file}`, { cause: error });
  });
};

/** Looks at all samples before a model runs. Returns their number, and whether they have labels. */
const checkSamples = async (
  samples: Samples,
  judge: Judge,
  model: ModelLabels,
): Promise<{ readonly count: number; readonly isLabelled: boolean }> => {
  let [count, labelled] = [0, 0];
  let unlabelled: Sample | undefined;
  for await (const sample of samples.read()) {
    await assertFile(sample);
    count += 1;
    if (sample.label === undefined) unlabelled ??= sample;
    else {
      labelled += 1;
      judge.checkLabel(sample.label, model, sample.place);
    }
    if (unlabelled && labelled > 0)
      refuse(
        'INVALID_INPUT',
        `${unlabelled.place} has no label, and other samples have one: label all of them or none`,
      );
  }
  return { count, isLabelled: labelled > 0 };
};

const refuseUnlabelled = async (samples: Samples): Promise<never> => {
  for await (const { fields } of samples.read()) {
    const found = fields.length > 0 ? `; the first one has the fields ${fields.join(', ')}: name one with --label` : '';
    return refuse(
      'INVALID_INPUT',
      `the samples have no labels: expected the field ${LABEL_FIELDS.join(', ')}, or folders that are named by labels${found}`,
    );
  }
  return refuse('INVALID_INPUT', 'there are no samples');
};

/** The answers to a batch. When it fails, its samples are sent one by one, and the faulty one is named. */
const answerBatch = async (
  model: AnsweringModel,
  batch: readonly Sample[],
  parameters: Readonly<Record<string, unknown>>,
): Promise<readonly unknown[]> => {
  try {
    const answers = await model.answer(
      batch.map(({ input }) => input),
      parameters,
    );
    if (answers.length !== batch.length)
      refuse('INFERENCE_FAILED', `${model.name} answers ${batch.length} inputs with ${answers.length} answers`);
    return answers;
  } catch (error) {
    if (!isBatchFault(error)) throw error;
    const [only, ...others] = batch;
    if (only && others.length === 0) {
      const { code, message, operator } = ServingError.from(error);
      throw new ServingError(code, `${only.place}: ${message}`, { cause: error, operator });
    }
    const answers: unknown[] = [];
    for (const sample of batch) answers.push(...(await answerBatch(model, [sample], parameters)));
    return answers;
  }
};

async function* batchesOf(samples: Samples): AsyncGenerator<readonly Sample[]> {
  let batch: Sample[] = [];
  for await (const sample of samples.read()) {
    batch.push(sample);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
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

/** Samples that the bootstrap draws in all, so that its time is bounded. */
const MOST_DRAWS = 20_000_000;

/** The number of times that the bootstrap draws: fewer for many samples, and for detections, which take longest. */
const resamplesOf = (task: string, samples: number): number => {
  const most = task === 'object-detection' ? 200 : 1000;
  return Math.max(100, Math.min(most, Math.floor(MOST_DRAWS / samples)));
};

/**
 * Measures one model on samples with labels, or two on the same samples. Without labels, two models are measured by their agreement.
 * Memory holds a batch of inputs, and of each answer no more than its figures need.
 *
 * @throws `INVALID_INPUT` naming the sample that is wrong, `INVALID_REQUEST` for a task that cannot be evaluated, and what the models throw
 */
export const evaluate = async (
  samples: Samples,
  models: readonly [AnsweringModel] | readonly [AnsweringModel, AnsweringModel],
  { seed = 1, onProgress = () => {} }: EvaluateOptions = {},
): Promise<Evaluation> => {
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
