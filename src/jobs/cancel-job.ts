import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { announceStatus } from './describe-job.ts';
import { hasEnded, type Job, readState, writeState } from './job-document.ts';

/** Each lost race is a sign of life of the process that runs the job, which writes every few seconds. */
const ATTEMPTS = 5;

/**
 * Ends a job. The process that runs it finds that out at its next sign of life, and stops before its next step.
 * @throws `CONFLICT` for a job that has ended otherwise; `MODEL_UNAVAILABLE`
 */
export const cancelJob = async (data: ObjectStore, job: Job): Promise<Job> => {
  const { id } = job.request;
  let { state, etag } = job;
  for (let attempt = 1; ; attempt += 1) {
    if (state.status === 'cancelled') return { ...job, state, etag };
    if (hasEnded(state)) throw new ServingError('CONFLICT', `job ${id} has ${state.status} and cannot be cancelled`);
    const cancelled = { ...state, status: 'cancelled', leaseUntilMs: 0, ended: new Date().toISOString() } as const;
    try {
      const next = { ...job, state: cancelled, etag: await writeState(data, id, cancelled, etag) };
      await announceStatus(data, next);
      return next;
    } catch (error) {
      if (attempt === ATTEMPTS || ServingError.from(error).code !== 'CONFLICT') throw error;
      ({ state, etag } = await readState(data, id));
    }
  }
};
