import { type Deadline, NEVER, within } from './deadline.ts';

export interface OnceOptions {
  /** Age at which pending work is shared no more: the next caller starts anew. */
  readonly pendingMs?: number;
  /** Says that the work has not ended by the deadline of a caller. */
  readonly late?: string;
  /** The clock, in milliseconds. */
  readonly nowMs?: () => number;
}

/**
 * Runs `create` at the first call and shares its promise with every later call; a failure is not kept. Pending work is not shared for
 * ever: a caller that gives up at its deadline, or comes too late, leaves the next one to start anew. So does a failure for those who joined.
 * @returns a function that throws errors of `create`, and `MODEL_UNAVAILABLE` at the deadline
 */
export const once = <T>(
  create: () => Promise<T>,
  { pendingMs = Number.POSITIVE_INFINITY, late = 'it takes too long; try again', nowMs = Date.now }: OnceOptions = {},
): ((deadline?: Deadline) => Promise<T>) => {
  let shared: { readonly work: Promise<T>; readonly startedMs: number; settled: boolean } | undefined;

  const start = (): NonNullable<typeof shared> => {
    const started = { work: create(), startedMs: nowMs(), settled: false };
    started.work.then(
      () => {
        started.settled = true;
      },
      () => drop(started),
    );
    shared = started;
    return started;
  };
  const drop = (dropped: typeof shared): void => {
    if (shared === dropped) shared = undefined;
  };

  return async (deadline = NEVER) => {
    if (shared && !shared.settled && nowMs() - shared.startedMs > pendingMs) shared = undefined;
    const joined = shared;
    if (joined?.settled) return joined.work;
    const mine = joined ?? start();
    try {
      return await within(deadline, mine.work, late);
    } catch (error) {
      drop(mine);
      if (joined === undefined || deadline.remainingMs() <= 0) throw error;
      return within(deadline, (shared ?? start()).work, late);
    }
  };
};
