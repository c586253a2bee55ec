import { type Answer, jsonValueOf } from '../../core/answer.ts';
import type { Deadline } from '../../core/deadline.ts';
import { ERROR_KINDS, PUBLIC_MESSAGE, ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { toJsonText } from '../../protocol/task-api/encode.ts';
import { MAX_INPUT_BYTES } from '../../protocol/task-api/object-reference.ts';
import type { PublishedBundle } from '../../repository/versions/bundle.ts';
import { parseObject } from '../../serving/inputs.ts';
import { predict } from '../../serving/predict.ts';
import type { Serving } from '../../serving/serving.ts';
import type { Observation } from '../../serving/telemetry.ts';
import type { Task } from '../../tasks/task.ts';
import type { BulkElement } from './bulk-run.ts';
import type { ChunkAttempt } from './chunk-attempt.ts';
import { answerLine, type ElementLine, failureLine } from './chunk-end.ts';

/** Elements that run together: the next ones are fetched while they do. */
const LEAST_GROUP = 16;
const MOST_GROUP = 64;

/** A chunk on its way. */
export interface ChunkRun {
  readonly serving: Serving;
  readonly bundle: PublishedBundle;
  readonly task: Task;
  readonly deadline: Deadline;
  readonly observation: Observation;
}

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
): Promise<ElementLine[]> => {
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
  return elements.map((element, index) => {
    const outcome = outcomes[index];
    if (outcome?.status === 'fulfilled') return answerLine(element, toText(run, element, outcome.value));
    const error = ServingError.from(outcome?.reason);
    if (concernsAll(error)) throw error;
    return failureLine(element, { code: error.code, message: PUBLIC_MESSAGE[error.code] ?? error.message });
  });
};

/** The elements that are not done, in groups that share their runs. */
const answerTogether = async (run: ChunkRun, elements: readonly BulkElement[], lines: ElementLine[]): Promise<void> => {
  const size = Math.min(MOST_GROUP, Math.max(LEAST_GROUP, run.bundle.maxBatch));
  let ahead = fetchAll(run, elements.slice(lines.length, lines.length + size));
  while (lines.length < elements.length) {
    const group = elements.slice(lines.length, lines.length + size);
    const fetched = await ahead;
    ahead = fetchAll(run, elements.slice(lines.length + size, lines.length + 2 * size));
    lines.push(...(await answerGroup(run, group, fetched)));
  }
};

const HOPELESS = {
  code: 'INFERENCE_FAILED',
  message: 'the process that ran the model ended or ran out of time, each time that this was its input',
} as const;

/** Each element that is not done, alone, after a note of it. */
const answerApart = async (
  run: ChunkRun,
  elements: readonly BulkElement[],
  { lines, isHopeless, note }: ChunkAttempt,
): Promise<void> => {
  for (const element of elements.slice(lines.length)) {
    if (isHopeless(lines.length)) {
      lines.push(failureLine(element, HOPELESS));
      continue;
    }
    await note(lines.length);
    lines.push(...(await answerGroup(run, [element], await fetchAll(run, [element]))));
  }
};

/** Appends a line for each element that has none. @throws an error that concerns every element; the lines up to it are there */
export const answerElements = (
  run: ChunkRun,
  elements: readonly BulkElement[],
  attempt: ChunkAttempt,
): Promise<void> =>
  attempt.isApart ? answerApart(run, elements, attempt) : answerTogether(run, elements, attempt.lines);
