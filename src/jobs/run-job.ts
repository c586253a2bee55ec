import type { Deadline } from '../core/deadline.ts';
import { ERROR_KINDS, PUBLIC_MESSAGE, ServingError } from '../core/errors.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation, Step } from '../serving/telemetry.ts';
import { announceStatus } from './describe-job.ts';
import { hasEnded, type Job, type JobState, readJob } from './job-document.ts';
import { readInput } from './job-input.ts';
import { isLeased, type JobLease, leaseJob } from './job-lease.ts';
import { type JobRun, runElements } from './run-elements.ts';

/** A job is begun once, and goes on three times at most. */
export const MOST_ATTEMPTS = 4;

/** Seconds until a message is looked at again whose job runs elsewhere. */
const BUSY_SECONDS = 300;
/** Seconds until a failure that may pass is tried again: 30 s, 2 minutes, then 8. */
const FIRST_PAUSE_SECONDS = 30;
const pauseSeconds = (attempt: number): number => FIRST_PAUSE_SECONDS * 4 ** (attempt - 1);

/** The end of a message: undefined when nothing is left to do, otherwise the seconds until it has to come again. */
export type JobEnd = { readonly againSeconds: number } | undefined;

/** Failures are written once the attempts are used up, or when the next attempt could only repeat them. */
const isFinal = (error: ServingError, { attempt }: JobState): boolean =>
  ERROR_KINDS[error.code].permanent || attempt >= MOST_ATTEMPTS;

/** The error of a job, for its owner. The log has the cause. */
const toPublic = (error: ServingError, { attempt }: JobState, requestId: string): NonNullable<JobState['error']> => {
  const { code } = error;
  const message = PUBLIC_MESSAGE[code] ?? error.message;
  if (ERROR_KINDS[code].permanent) return { code, message };
  return {
    code,
    message: `${message}; attempt ${attempt} of ${MOST_ATTEMPTS}. The log names the cause under request ${requestId}`,
  };
};

const now = (): string => new Date().toISOString();

/** Ends the job, and tells its webhook. */
const end = async ({ data }: Serving, lease: JobLease, change: Partial<JobState>): Promise<undefined> => {
  await lease.write({ ...change, ended: now(), leaseUntilMs: 0 });
  await announceStatus(data, lease.job);
  return undefined;
};

/** A job that was taken away: cancelled, or run by a process that found the lease over. */
const giveUp = async ({ data }: Serving, { request: { id } }: Job): Promise<JobEnd> => {
  const job = await readJob(data, id);
  if (job === undefined || !hasEnded(job.state)) return { againSeconds: BUSY_SECONDS };
  await announceStatus(data, job); // whoever ended it may not have come to that
  return undefined;
};

const fail = async (serving: Serving, lease: JobLease, error: ServingError, requestId: string): Promise<JobEnd> => {
  if (lease.isLost || hasEnded(lease.job.state)) return giveUp(serving, lease.job);
  const { state } = lease.job;
  const reason = toPublic(error, state, requestId);
  if (isFinal(error, state)) return end(serving, lease, { status: 'failed', error: reason });
  await lease.write({ status: 'queued', error: reason, leaseUntilMs: 0 });
  // The time of the function was over, not that of the model: the next one goes on at once.
  return { againSeconds: error.code === 'DEADLINE_EXCEEDED' ? 0 : pauseSeconds(state.attempt) };
};

/** A job whose attempts all ended with their processes. */
const failCrashed = async (serving: Serving, lease: JobLease): Promise<undefined> => {
  const { error } = lease.job.state;
  const message = `the process that ran the job ended before it, ${MOST_ATTEMPTS} times`;
  return end(serving, lease, { status: 'failed', error: error ?? { code: 'INFERENCE_FAILED', message } });
};

const work = async (run: JobRun): Promise<undefined> => {
  const { serving, bundle, lease } = run;
  await announceStatus(serving.data, lease.job);
  const input = await readInput(serving, lease.job.request, bundle);
  await lease.write({ total: input.payloads.length });
  const result = await runElements(run, input);
  return end(serving, lease, { status: 'succeeded', result, error: undefined }); // that of an attempt before
};

const runLeased = async (
  serving: Serving,
  lease: JobLease,
  observation: Observation,
  requestId: string,
): Promise<JobEnd> => {
  const { model, version } = lease.job.request;
  try {
    const bundle = await serving.router.route({ name: model, version }, undefined, lease.deadline);
    return await work({ serving, bundle, lease, observation });
  } catch (cause) {
    const error = ServingError.from(cause);
    if (!lease.isLost) observation.failures.push(error);
    return fail(serving, lease, error, requestId);
  }
};

export interface RunOptions {
  /** The deadline of the function. */
  readonly deadline: Deadline;
  readonly requestId: string;
  readonly beatMs?: number;
}

/**
 * Runs a job of the queue, from its last answered element on. A job that has ended, or that another process runs, is left alone.
 * @throws `MODEL_UNAVAILABLE` when S3 does not answer: the message then comes again
 */
export const runJob = async (
  serving: Serving,
  id: string,
  { deadline, requestId, beatMs }: RunOptions,
): Promise<JobEnd> => {
  const job = await readJob(serving.data, id);
  if (job === undefined) return undefined; // its life has ended
  if (hasEnded(job.state)) return giveUp(serving, job);
  if (isLeased(job.state)) return { againSeconds: BUSY_SECONDS };

  const isUsedUp = job.state.attempt >= MOST_ATTEMPTS;
  const { started = now(), attempt } = job.state;
  const change = isUsedUp ? {} : { status: 'running' as const, started, attempt: attempt + 1 };
  const lease = await leaseJob(serving.data, job, change, deadline, beatMs).catch((error: unknown) => {
    if (ServingError.from(error).code === 'CONFLICT') return undefined;
    throw error;
  });
  if (lease === undefined) return giveUp(serving, job);
  const { model, version } = job.request;
  const stopwatch = startStopwatch<Step>();
  const observation: Observation = {
    model,
    version,
    requestId,
    operation: 'job',
    stopwatch,
    batchSize: 1,
    failures: [],
  };
  try {
    return isUsedUp ? await failCrashed(serving, lease) : await runLeased(serving, lease, observation, requestId);
  } finally {
    await lease.end();
    serving.telemetry.observed(observation);
  }
};
