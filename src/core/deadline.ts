import { ServingError } from './errors.ts';

/** The moment after which an answer is of no use. */
export interface Deadline {
  /** Milliseconds left; negative once it has passed. */
  remainingMs(): number;
}

/** A timer of Node cannot be set further ahead. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** A deadline at `epochMs`, milliseconds since 1970. */
export const deadlineAt = (epochMs: number): Deadline => ({ remainingMs: () => epochMs - Date.now() });

/** The deadline of work for which nobody waits. */
export const NEVER = deadlineAt(Number.POSITIVE_INFINITY);

/** The earliest of several deadlines. */
export const earliest = (...deadlines: readonly Deadline[]): Deadline => ({
  remainingMs: () => Math.min(...deadlines.map((deadline) => deadline.remainingMs())),
});

/**
 * Call it before a step that cannot be interrupted: a run, or a part of the decoding.
 * @param when the place of the step in the request, for the message
 * @throws `DEADLINE_EXCEEDED`
 */
export const assertTimeLeft = (deadline: Deadline, when = 'before the next run of the model'): void => {
  const remainingMs = deadline.remainingMs();
  if (remainingMs <= 0)
    throw new ServingError(
      'DEADLINE_EXCEEDED',
      `the deadline passed ${Math.round(-remainingMs)} ms ago, ${when}; send the request again, or less at once`,
    );
};

/** Maps `items` one after another, each after a look at the deadline. @throws `DEADLINE_EXCEEDED` with the number that was done */
export const mapInTime = <Item, Result>(
  items: readonly Item[],
  deadline: Deadline,
  map: (item: Item, index: number) => Result,
): Result[] =>
  items.map((item, index) => {
    assertTimeLeft(deadline, `when ${index} of ${items.length} inputs were prepared`);
    return map(item, index);
  });

/**
 * Waits for `work` until the deadline, and no longer; `work` itself goes on and may serve the next request.
 * @throws `MODEL_UNAVAILABLE` with `message`
 */
export const within = async <T>(deadline: Deadline, work: Promise<T>, message: string): Promise<T> => {
  const remainingMs = deadline.remainingMs();
  if (remainingMs > MAX_TIMER_MS) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ServingError('MODEL_UNAVAILABLE', message)), Math.max(0, remainingMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
