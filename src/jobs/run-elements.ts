import { type Answer, jsonValueOf, truncatedInputsOf } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { encodeAnswer } from '../protocol/task-api/encode.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { predict } from '../serving/predict.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import { type JobResult, partKey, resultKey } from './job-document.ts';
import { atElement, type JobInput } from './job-input.ts';
import type { JobLease } from './job-lease.ts';

/** A job on its way. */
export interface JobRun {
  readonly serving: Serving;
  readonly bundle: PublishedBundle;
  readonly lease: JobLease;
  readonly observation: Observation;
}

/** A step takes about so long: its answers are written before the next one, and are not computed again. */
const STEP_MS = 2_000;
const FIRST_STEP = 8;
/** Steps may grow by so much at once. */
const GROWTH = 4;

/** The number of elements that take as long as a step should, as far as the step before can tell. */
export const nextStep = (size: number, tookMs: number): number =>
  Math.max(1, Math.min(size * GROWTH, Math.round((size * STEP_MS) / Math.max(1, tookMs))));

/** Answers of elements, in the order of the input. */
interface Part {
  readonly answers: readonly unknown[];
  /** Positions in the whole input. */
  readonly truncatedInputs: readonly number[];
}

const answerAll = async (
  { serving, bundle, lease, observation }: JobRun,
  payloads: readonly Payload[],
): Promise<readonly PromiseSettledResult<Answer>[]> => {
  const { outcomes } = await predict(serving, {
    reference: { name: bundle.name },
    routed: bundle,
    as: 'task',
    payloads: payloads.map((payload) => async () => payload),
    deadline: lease.deadline,
    observation,
  });
  return outcomes;
};

/** The answer in a list of one. @throws `INTERNAL` for a task that answers a list otherwise */
const onlyAnswer = (answer: Answer): unknown => {
  const list = jsonValueOf(answer);
  if (Array.isArray(list) && list.length === 1) return list[0];
  throw new ServingError('INTERNAL', 'the task answers a list of one by no list of one');
};

/** Answers the elements from `start`, and writes those before the first failure. @throws the first failure */
const runStep = async (run: JobRun, payloads: readonly Payload[], start: number): Promise<number> => {
  const { lease, serving } = run;
  const outcomes = await answerAll(run, payloads);
  const failedAt = outcomes.findIndex(({ status }) => status === 'rejected');
  const whole = outcomes.slice(0, failedAt === -1 ? outcomes.length : failedAt);
  const answers = whole.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (answers.length > 0) {
    const { parts, attempt, done } = lease.job.state;
    const name = `${attempt}-${parts.length}`;
    const part: Part = {
      answers: answers.map(onlyAnswer),
      truncatedInputs: answers.flatMap((answer, index) =>
        truncatedInputsOf(answer).length > 0 ? [start + index] : [],
      ),
    };
    await serving.data.write(partKey(lease.job.request.id, name), JSON.stringify(part));
    await lease.write({ parts: [...parts, name], done: done + answers.length });
  }
  const failure = outcomes[failedAt];
  if (failure?.status === 'rejected') throw atElement(failure.reason, start + failedAt);
  return answers.length;
};

const joinParts = async (data: ObjectStore, { job: { request, state } }: JobLease): Promise<Part> => {
  const joined: { answers: unknown[]; truncatedInputs: number[] } = { answers: [], truncatedInputs: [] };
  for (const name of state.parts) {
    const { body } = await data.read(partKey(request.id, name));
    const part: Part = JSON.parse(Buffer.from(body).toString('utf8'));
    for (const answer of part.answers) joined.answers.push(answer);
    for (const index of part.truncatedInputs) joined.truncatedInputs.push(index);
  }
  return joined;
};

const store = async (
  { serving: { data }, lease: { job } }: JobRun,
  body: string | Uint8Array,
  contentType: string,
  truncatedInputs: readonly number[],
): Promise<JobResult> => {
  const key = resultKey(job.request.id, job.state.attempt);
  await data.write(key, body, { contentType });
  return { key, contentType, sizeBytes: Buffer.byteLength(body), truncatedInputs: [...truncatedInputs] };
};

/** Answers what is not answered yet, and writes the whole answer. @throws errors of the run; `CONFLICT` when the job is lost */
export const runElements = async (run: JobRun, { payloads, isList }: JobInput): Promise<JobResult> => {
  const { lease, bundle, serving } = run;
  if (!isList) {
    const [outcome] = await answerAll(run, payloads);
    if (outcome?.status !== 'fulfilled') throw ServingError.from(outcome?.reason);
    const { body, contentType } = encodeAnswer(outcome.value, bundle);
    await lease.write({ done: 1 });
    return store(run, body, contentType, truncatedInputsOf(outcome.value));
  }
  for (let size = FIRST_STEP; lease.job.state.done < payloads.length; ) {
    const { done } = lease.job.state;
    const startMs = performance.now();
    const count = await runStep(run, payloads.slice(done, done + size), done);
    size = nextStep(count, performance.now() - startMs);
  }
  const { answers, truncatedInputs } = await joinParts(serving.data, lease);
  return store(run, JSON.stringify(answers), 'application/json', truncatedInputs);
};
