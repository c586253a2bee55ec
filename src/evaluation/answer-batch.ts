import { refuse, ServingError } from '../core/errors.ts';
import { atPlace } from './at-place.ts';
import type { Sample, SampleInput, Samples } from './samples/sample.ts';

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

/** The answers to a batch. When it fails, its samples are sent one by one, and the faulty one is named. */
export const answerBatch = async (
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
    if (only && others.length === 0) throw atPlace(only.place, error);
    const answers: unknown[] = [];
    for (const sample of batch) answers.push(...(await answerBatch(model, [sample], parameters)));
    return answers;
  }
};

/** The samples in batches, the last of which may be smaller. */
export async function* batchesOf(samples: Samples): AsyncGenerator<readonly Sample[]> {
  let batch: Sample[] = [];
  for await (const sample of samples.read()) {
    batch.push(sample);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
