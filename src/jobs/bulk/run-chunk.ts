import { promisify } from 'node:util';
import * as v from 'valibot';
import { type Answer, jsonValueOf } from '../../core/answer.ts';
import type { Deadline } from '../../core/deadline.ts';
import { ERROR_KINDS, PUBLIC_MESSAGE, ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { startStopwatch } from '../../core/stopwatch.ts';
import { toJsonText } from '../../protocol/task-api/encode.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { PublishedBundle } from '../../repository/versions/bundle.ts';
import { MAX_INPUT_BYTES, parseObject } from '../../serving/inputs.ts';
import { predict } from '../../serving/predict.ts';
import type { Serving } from '../../serving/serving.ts';
import type { Observation, Step } from '../../serving/telemetry.ts';
import { createTask } from '../../tasks/index.ts';
import type { Task } from '../../tasks/task.ts';
import { attemptKey, type BulkElement, chunkFailuresKey, readChunk, readRun, resultKey } from './bulk-run.ts';

/** The end of a chunk. `isKnown` means that an earlier child has written it. */
export interface ChunkEnd {
  readonly succeeded: number;
  readonly failed: number;
  readonly isKnown: boolean;
}

export interface ChunkOptions {
  readonly name: string;
  readonly chunk: number;
  readonly deadline: Deadline;
  readonly requestId: string;
}

/** Elements that run together: the next ones are fetched while they do. */
const LEAST_GROUP = 16;
const MOST_GROUP = 64;

/** Attempts that ended with their process while the element ran alone, after which it is not tried again. */
const MOST_DEATHS = 2;

/** The trace of earlier attempts at a chunk. A chunk that is tried again runs element by element, each named before it runs. */
const attemptSchema = v.object({
  attempt: v.number(),
  /** The element that runs alone; undefined while several run together. */
  running: v.optional(v.number()),
  /** Attempts that ended while an element ran alone, by its position. */
  deaths: v.record(v.string(), v.number()),
});
type Attempt = v.InferOutput<typeof attemptSchema>;

type Outcome = PromiseSettledResult<string>;

/** A chunk on its way. */
interface ChunkRun extends ChunkOptions {
  readonly serving: Serving;
  readonly bundle: PublishedBundle;
  readonly task: Task;
  readonly observation: Observation;
}

const rejected = (reason: unknown): Outcome => ({ status: 'rejected', reason });

const readAttempt = async ({ data }: Serving, { name, chunk }: ChunkOptions): Promise<Attempt> => {
  const object = await unlessMissing(data.read(attemptKey(name, chunk)));
  const last = object && v.parse(attemptSchema, JSON.parse(Buffer.from(object.body).toString('utf8')));
  if (last === undefined) return { attempt: 1, deaths: {} };
  const died = last.running === undefined ? {} : { [last.running]: (last.deaths[last.running] ?? 0) + 1 };
  return { attempt: last.attempt + 1, deaths: { ...last.deaths, ...died } };
};

const writeAttempt = async (run: ChunkRun, attempt: Attempt): Promise<void> => {
  await run.serving.data.write(attemptKey(run.name, run.chunk), JSON.stringify(attempt));
};

/** The payload of an element; rows are lists of one where the task answers lists. */
const toPayload = async ({ serving, task }: ChunkRun, element: BulkElement): Promise<Payload> => {
  if ('problem' in element) throw new ServingError('INVALID_INPUT', element.problem);
  if ('key' in element) {
    const { body } = await serving.data.read(element.key, MAX_INPUT_BYTES);
    return parseObject(element.key, body);
  }
  if ('csv' in element)
    return { inputs: Buffer.from(element.csv), contentType: 'text/csv', hasHeader: true, parameters: {} };
  const payload = { inputs: [element.input], parameters: {} };
  return task.elements?.(payload) ? payload : { inputs: element.input, parameters: {} };
};

const toText = ({ bundle, task }: ChunkRun, element: BulkElement, answer: Answer): string => {
  const value = jsonValueOf(answer);
  const isListOfOne = !('key' in element) && task.elements !== undefined && Array.isArray(value) && value.length === 1;
  return isListOfOne ? JSON.stringify(value[0]) : toJsonText(answer, bundle);
};

/** Errors that another attempt may not have, and that are no fault of the element: the chunk is tried again. */
const concernsAll = (error: ServingError): boolean =>
  !ERROR_KINDS[error.code].permanent && error.code !== 'INFERENCE_FAILED';

type Fetched = PromiseSettledResult<Payload>;
const fetchAll = (run: ChunkRun, elements: readonly BulkElement[]): Promise<Fetched[]> =>
  Promise.allSettled(elements.map((element) => toPayload(run, element)));

/** @throws an error that concerns every element, such as S3 that does not answer */
const answerGroup = async (
  run: ChunkRun,
  elements: readonly BulkElement[],
  fetched: readonly Fetched[],
): Promise<Outcome[]> => {
  const { serving, bundle, deadline, observation } = run;
  const { outcomes } = await predict(serving, {
    reference: { name: bundle.name },
    routed: bundle,
    as: 'task',
    payloads: fetched.map((each) => async () => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    }),
    deadline,
    observation,
  });
  return outcomes.map((outcome, index) => {
    const element = elements[index];
    if (outcome.status === 'fulfilled' && element)
      return { status: 'fulfilled', value: toText(run, element, outcome.value) };
    const error = ServingError.from(outcome.status === 'rejected' ? outcome.reason : undefined);
    if (concernsAll(error)) throw error;
    return rejected(error);
  });
};

/** All elements, in groups that share their runs. */
const answerTogether = async (run: ChunkRun, elements: readonly BulkElement[]): Promise<Outcome[]> => {
  const size = Math.min(MOST_GROUP, Math.max(LEAST_GROUP, run.bundle.maxBatch));
  const outcomes: Outcome[] = [];
  let ahead = fetchAll(run, elements.slice(0, size));
  for (let start = 0; start < elements.length; start += size) {
    const fetched = await ahead;
    ahead = fetchAll(run, elements.slice(start + size, start + 2 * size));
    outcomes.push(...(await answerGroup(run, elements.slice(start, start + size), fetched)));
  }
  return outcomes;
};

const KILLER = new ServingError(
  'INFERENCE_FAILED',
  'the process that ran the model ended, each time that this was its input',
);

/** Each element alone, after a note of it. */
const answerApart = async (run: ChunkRun, elements: readonly BulkElement[], attempt: Attempt): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const [index, element] of elements.entries()) {
    if ((attempt.deaths[index] ?? 0) >= MOST_DEATHS) {
      outcomes.push(rejected(KILLER));
      continue;
    }
    await writeAttempt(run, { ...attempt, running: index });
    outcomes.push(...(await answerGroup(run, [element], await fetchAll(run, [element]))));
  }
  return outcomes;
};

const placeOf = (element: BulkElement): object => ('key' in element ? { key: element.key } : { row: element.row });

/** A failure with everything that another run needs to try it again. */
const formatFailure = (element: BulkElement, reason: unknown): string => {
  const { code, message } = ServingError.from(reason);
  const shown = reason === KILLER ? message : (PUBLIC_MESSAGE[code] ?? message);
  return JSON.stringify({ ...element, code, message: shown });
};

const toLines = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** Writes the answers last: a chunk with answers is done. Another child that was faster has written the same. */
const writeEnd = async (
  run: ChunkRun,
  elements: readonly BulkElement[],
  outcomes: readonly Outcome[],
): Promise<ChunkEnd> => {
  const { serving, name, chunk } = run;
  const answers: string[] = [];
  const failures: string[] = [];
  elements.forEach((element, index) => {
    const outcome = outcomes[index];
    if (outcome?.status === 'fulfilled')
      answers.push(`${JSON.stringify(placeOf(element)).slice(0, -1)},"answer":${outcome.value}}`);
    else failures.push(formatFailure(element, outcome?.reason));
  });
  if (failures.length > 0) await serving.data.write(chunkFailuresKey(name, chunk), toLines(failures));
  const { gzip } = process.getBuiltinModule('node:zlib'); // no cold start waits for it
  const counts = { succeeded: String(answers.length), failed: String(failures.length) };
  const options = { condition: { ifNoneMatch: '*' }, contentType: 'application/gzip', metadata: counts } as const;
  const isKnown = await serving.data
    .write(resultKey(name, chunk), await promisify(gzip)(toLines(answers)), options)
    .then(
      () => false,
      (error: unknown) => {
        if (ServingError.from(error).code === 'CONFLICT') return true;
        throw error;
      },
    );
  return { succeeded: answers.length, failed: failures.length, isKnown };
};

/** The end of a chunk that is done; undefined for any other. */
export const readEnd = async (
  { data }: Pick<Serving, 'data'>,
  name: string,
  chunk: number,
): Promise<ChunkEnd | undefined> => {
  const head = await unlessMissing(data.head(resultKey(name, chunk)));
  if (head === undefined) return undefined;
  const { succeeded, failed } = head.metadata;
  return { succeeded: Number(succeeded), failed: Number(failed), isKnown: true };
};

/**
 * Answers the elements of a chunk with one version, and writes them: once, however often it is called. A failure of an element is written
 * down beside them.
 * @throws `NOT_FOUND` for a run or a version that is gone; errors that may pass, after which the chunk is to be run again
 */
export const runChunk = async (serving: Serving, options: ChunkOptions): Promise<ChunkEnd> => {
  const { name, chunk, deadline, requestId } = options;
  const known = await readEnd(serving, name, chunk);
  if (known) return known;
  const [{ model, version }, elements] = await Promise.all([
    readRun(serving.data, name),
    readChunk(serving.data, name, chunk),
  ]);
  const bundle = await serving.router.route({ name: model, version }, undefined, deadline);
  const stopwatch = startStopwatch<Step>();
  const observation: Observation = {
    model,
    version,
    requestId,
    operation: 'bulk',
    stopwatch,
    batchSize: 0,
    failures: [],
  };
  const run = { ...options, serving, bundle, task: await createTask(bundle), observation };
  const attempt = await readAttempt(serving, options);
  try {
    await writeAttempt(run, attempt);
    const isAgain = attempt.attempt > 1;
    const outcomes = isAgain ? await answerApart(run, elements, attempt) : await answerTogether(run, elements);
    return await writeEnd(run, elements, outcomes);
  } catch (error) {
    observation.failures.push(ServingError.from(error));
    await writeAttempt(run, attempt).catch(() => undefined); // no element has ended the process
    throw error;
  } finally {
    observation.batchSize = elements.length;
    serving.telemetry.observed(observation);
  }
};
