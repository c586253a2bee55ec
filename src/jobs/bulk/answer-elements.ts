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
import type { BulkElement } from './bulk-element.ts';
import { type BulkRun, type PlannedLine, toElements } from './bulk-run.ts';
import type { ChunkAttempt } from './chunk-attempt.ts';
import {
  answered,
  answerLine,
  type ChunkLines,
  type ElementLines,
  failureLine,
  joinLines,
  refused,
} from './chunk-end.ts';
import { type createToInput, modelColumns } from './joined-columns.ts';

/** Elements that run together: the next ones are fetched while they do. */
const LEAST_GROUP = 16;
const MOST_GROUP = 64;
/** Rows of a table run much faster than they are handed over. */
const TABLE_GROUP = 1_024;

/** A chunk on its way. */
export interface ChunkRun {
  readonly serving: Serving;
  readonly bundle: PublishedBundle;
  readonly task: Task;
  readonly run: BulkRun;
  /** The input of a row, as the model takes it. */
  readonly toInput: ReturnType<typeof createToInput>;
  readonly deadline: Deadline;
  readonly observation: Observation;
}

/** The payload of an element; rows are lists of one where the task answers lists. */
const toPayload = async ({ serving, task, toInput }: ChunkRun, element: BulkElement): Promise<Payload> => {
  if ('problem' in element) throw new ServingError('INVALID_INPUT', element.problem);
  if ('key' in element) {
    const object = await serving.data.read(element.key, MAX_INPUT_BYTES);
    return parseObject(element.key, object.body, object);
  }
  const input = toInput(element);
  const payload = { inputs: [input], parameters: {} };
  return task.elements?.(payload) ? payload : { inputs: input, parameters: {} };
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

const predictAll = async ({ serving, bundle, deadline, observation }: ChunkRun, fetched: readonly Fetched[]) => {
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
  return outcomes;
};

/** @throws an error that concerns every element, such as S3 that does not answer */
const answerGroup = async (
  run: ChunkRun,
  elements: readonly BulkElement[],
  fetched: readonly Fetched[],
): Promise<ElementLines> => {
  const outcomes = await predictAll(run, fetched);
  const lines = elements.map((element, index) => {
    const outcome = outcomes[index];
    if (outcome?.status === 'fulfilled')
      return answered(answerLine(element, toText(run, element, outcome.value), run.run.join));
    const error = ServingError.from(outcome?.reason);
    if (concernsAll(error)) throw error;
    return refused(failureLine(element, { code: error.code, message: PUBLIC_MESSAGE[error.code] ?? error.message }));
  });
  return joinLines(lines);
};

/**
 * Answers rows as one list, which costs less than a request for each.
 * @returns undefined when they are none, or when one of them is refused
 * @throws an error that concerns every element
 */
const answerList = async (run: ChunkRun, elements: readonly BulkElement[]): Promise<ElementLines | undefined> => {
  const inputs: unknown[] = [];
  for (const element of elements) if ('input' in element) inputs.push(run.toInput(element));
  const payload = { inputs, parameters: {} };
  if (inputs.length < elements.length || run.task.elements?.(payload)?.length !== elements.length) return undefined;
  const [outcome] = await predictAll(run, [{ status: 'fulfilled', value: payload }]);
  if (outcome?.status !== 'fulfilled') {
    const error = ServingError.from(outcome?.reason);
    if (concernsAll(error)) throw error;
    return undefined;
  }
  const answers = jsonValueOf(outcome.value);
  if (!Array.isArray(answers) || answers.length !== elements.length) return undefined;
  let text = '';
  for (const [index, element] of elements.entries())
    text += answerLine(element, JSON.stringify(answers[index]), run.run.join);
  return answered(text, elements.length);
};

/** Answers rows as lists, halved until those that are refused are few, and any other elements by themselves. */
const answerHalves = async (
  run: ChunkRun,
  elements: readonly BulkElement[],
  fetched?: readonly Fetched[],
): Promise<ElementLines> => {
  const lines = elements.length > 1 ? await answerList(run, elements) : undefined;
  if (lines) return lines;
  if (elements.length <= LEAST_GROUP || !elements.some((element) => 'input' in element))
    return answerGroup(run, elements, fetched ?? (await fetchAll(run, elements)));
  const middle = elements.length >> 1;
  const first = await answerHalves(run, elements.slice(0, middle), fetched?.slice(0, middle));
  return joinLines([first, await answerHalves(run, elements.slice(middle), fetched?.slice(middle))]);
};

const take = (elements: Iterator<BulkElement>, count: number): BulkElement[] => {
  const taken: BulkElement[] = [];
  while (taken.length < count) {
    const { value, done } = elements.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
};

/** Answers elements in groups that share their runs. */
const answerTogether = async (
  run: ChunkRun,
  elements: Iterator<BulkElement>,
  isTable: boolean,
  lines: ChunkLines,
): Promise<void> => {
  const size = isTable ? TABLE_GROUP : Math.min(MOST_GROUP, Math.max(LEAST_GROUP, run.bundle.maxBatch));
  const begin = () => {
    const group = take(elements, size);
    return { group, fetching: isTable ? Promise.resolve(undefined) : fetchAll(run, group) };
  };
  for (let next = begin(); next.group.length > 0; ) {
    const { group, fetching } = next;
    const fetched = await fetching;
    next = begin();
    lines.add(await answerHalves(run, group, fetched));
  }
};

const HOPELESS = {
  code: 'INFERENCE_FAILED',
  message: 'the process that ran the model ended or ran out of time, each time that this was its input',
} as const;

/** Each element alone, after a note of it. */
const answerApart = async (
  run: ChunkRun,
  elements: Iterable<BulkElement>,
  { lines, isHopeless, note }: ChunkAttempt,
): Promise<void> => {
  for (const element of elements) {
    const place = lines.done();
    if (isHopeless(place)) {
      lines.add(refused(failureLine(element, HOPELESS)));
      continue;
    }
    await note(place);
    lines.add(await answerGroup(run, [element], await fetchAll(run, [element])));
  }
};

/** Adds the lines of all elements that have none. @throws an error that concerns every element; the lines up to it are there */
export const answerElements = (
  run: ChunkRun,
  planned: readonly PlannedLine[],
  attempt: ChunkAttempt,
): Promise<void> => {
  const elements = toElements(planned);
  take(elements, attempt.lines.done());
  const isTable = modelColumns(run.bundle) !== undefined && planned.some((line) => !('key' in line));
  return attempt.isApart ? answerApart(run, elements, attempt) : answerTogether(run, elements, isTable, attempt.lines);
};
