import { type Deadline, deadlineAt, earliest, within } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { monthOf, monthStartMs, readSpending } from './spending-document.ts';

/** Tells whether the month's limit is reached, by what the monitor has added up. */
export interface SpendingLimit {
  /** The whole seconds until the next month once the limit is reached; undefined before. It never rejects. */
  secondsToWait(deadline: Deadline): Promise<number | undefined>;
}

export interface SpendingLimitOptions {
  readonly data: ObjectStore;
  readonly maxMonthlyDollars: number;
  /** Age at which the spending is read again, behind the answers. Twice as old, an answer waits for it. */
  readonly ttlMs: number;
  /** Lets a read end, even when the answer is out before. */
  readonly hold: (work: Promise<unknown>) => void;
  readonly warned: (message: string, error: ServingError) => void;
  readonly nowMs?: () => number;
}

/** An answer waits no longer for a read. While S3 does not answer, the known spending decides, and without one nothing is refused. */
const WAIT_MS = 200;

interface Known {
  readonly month: string;
  readonly etag: string;
  readonly dollars: number;
  readonly readMs: number;
}

/** The first read starts at once, beside the init of the function. */
export const createSpendingLimit = (options: SpendingLimitOptions): SpendingLimit => {
  const { data, maxMonthlyDollars, ttlMs, hold, warned, nowMs = Date.now } = options;
  let known: Known = { month: '', etag: '', dollars: 0, readMs: Number.NEGATIVE_INFINITY };
  let reading: Promise<void> | undefined;

  const read = async (month: string): Promise<void> => {
    const readMs = nowMs();
    const same = known.month === month ? known : { month, etag: '', dollars: 0 };
    try {
      const found = await readSpending(data, month, same.etag);
      if (found === 'unchanged') known = { ...same, readMs };
      else known = { month, readMs, etag: found?.etag ?? '', dollars: found?.spending.dollars ?? 0 };
    } catch (error) {
      warned('the spending of the month was not read: a later request tries again', ServingError.from(error));
    } finally {
      reading = undefined;
    }
  };
  const refresh = (month: string): Promise<void> => {
    if (reading) return reading;
    reading = read(month);
    hold(reading);
    return reading;
  };
  refresh(monthOf(nowMs()));

  return {
    async secondsToWait(deadline) {
      const now = nowMs();
      const month = monthOf(now);
      const ageMs = known.month === month ? now - known.readMs : Number.POSITIVE_INFINITY;
      if (ageMs >= ttlMs) {
        const soon = earliest(deadlineAt(Date.now() + WAIT_MS), deadline);
        const refreshed = refresh(month);
        if (ageMs >= 2 * ttlMs) await within(soon, refreshed, 'the spending is being read').catch(() => {});
      }
      if (known.month !== month || known.dollars < maxMonthlyDollars) return undefined;
      return Math.ceil((monthStartMs(month, 1) - now) / 1000);
    },
  };
};
