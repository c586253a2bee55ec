import { randomUUID } from 'node:crypto';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { createQueue } from '../core/queue.ts';
import { startBeat } from '../core/start-beat.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { type Job, type JobState, readState, writeState } from './job-document.ts';

/** A message of the queue comes back 40 s after its process has ended: by then, the lease is over. */
const LEASE_MS = 30_000;
const BEAT_MS = 5_000;

/** A job that this process runs, and nobody else does. */
export interface JobLease {
  /** The job as it was last written. */
  readonly job: Job;
  /** Passes as soon as the job belongs to this process no more: the next step of the work then ends it. */
  readonly deadline: Deadline;
  /** True once the job was cancelled, or taken over. */
  readonly isLost: boolean;
  /** Changes the state, and renews the lease. @throws `CONFLICT` when the lease is lost; `MODEL_UNAVAILABLE` */
  write(change: Partial<JobState>): Promise<void>;
  /** Ends the signs of life, after those that are being written. */
  end(): Promise<void>;
}

/** Tells whether another process runs the job. */
export const isLeased = ({ leaseUntilMs }: JobState, nowMs = Date.now()): boolean => leaseUntilMs > nowMs;

/** The write of `state` when its answer was lost: the store then says that somebody has written since. */
const findOwnWrite = async (data: ObjectStore, id: string, state: JobState): Promise<string | undefined> => {
  const found = await readState(data, id);
  return found.state.revision === state.revision ? found.etag : undefined;
};

/**
 * Takes a job for this process, and shows every few seconds that it lives.
 * @throws `CONFLICT` when another process was faster; `MODEL_UNAVAILABLE`
 */
export const leaseJob = async (
  data: ObjectStore,
  found: Job,
  change: Partial<JobState>,
  deadline: Deadline,
  beatMs = BEAT_MS,
): Promise<JobLease> => {
  const { id } = found.request;
  const inOrder = createQueue();
  let job = found;
  let isLost = false;

  const write = (changed: Partial<JobState>): Promise<void> =>
    inOrder(async () => {
      const state = { ...job.state, leaseUntilMs: Date.now() + LEASE_MS, ...changed, revision: randomUUID() };
      try {
        job = { ...job, state, etag: await writeState(data, id, state, job.etag) };
      } catch (error) {
        const etag = ServingError.from(error).code === 'CONFLICT' ? await findOwnWrite(data, id, state) : undefined;
        if (etag !== undefined) {
          job = { ...job, state, etag };
          return;
        }
        isLost ||= ServingError.from(error).code === 'CONFLICT';
        throw error;
      }
    });

  await write(change);
  // A store that does not answer leaves the lease as it is: the next conditional write decides.
  const stopBeat = startBeat(() => write({}), beatMs);
  return {
    get job() {
      return job;
    },
    get isLost() {
      return isLost;
    },
    deadline: { remainingMs: () => (isLost ? Number.NEGATIVE_INFINITY : deadline.remainingMs()) },
    write: async (changed) => {
      if (isLost) throw new ServingError('CONFLICT', `job ${id} belongs to this process no more`);
      await write(changed);
    },
    end: () => {
      stopBeat();
      return inOrder(async () => {});
    },
  };
};
