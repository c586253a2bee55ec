import { type Deadline, MAX_TIMER_MS } from './deadline.ts';
import { ServingError } from './errors.ts';

/** Values that come one after the other. Its reader ends it with `return`, also when it has read none. */
export interface Stream<T> extends AsyncIterable<T> {
  [Symbol.asyncIterator](): AsyncIterator<T, undefined, undefined>;
}

/**
 * The values of `source`, until `deadline`. `onEnd` is called once: after the last value, after a failure, when the reader stops,
 * or at the deadline, even if nobody has read a value.
 * @throws `DEADLINE_EXCEEDED` to a reader that asks for a value after the deadline; errors of `source`
 */
export const endedStream = <T>(
  source: AsyncIterable<T>,
  deadline: Deadline,
  onEnd: (error?: unknown) => void,
): Stream<T> => {
  const iterator = source[Symbol.asyncIterator]();
  let isEnded = false;
  let isLate = false;
  const end = (error?: unknown): void => {
    if (isEnded) return;
    isEnded = true;
    clearTimeout(timer);
    onEnd(error);
  };
  const lateness = (): ServingError =>
    new ServingError('DEADLINE_EXCEEDED', 'the deadline passed before the answer was complete; ask for less at once');
  const stop = (): void => {
    isLate = true;
    end(lateness());
    void iterator.return?.().catch(() => {});
  };
  const timer = setTimeout(stop, Math.max(0, Math.min(MAX_TIMER_MS, deadline.remainingMs())));
  timer.unref();

  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (isLate) throw lateness();
        if (isEnded) return { done: true, value: undefined };
        try {
          const { done, value } = await iterator.next();
          if (!done) return { done: false, value };
          end();
          return { done: true, value: undefined };
        } catch (error) {
          end(error);
          throw error;
        }
      },
      async return() {
        end();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
};

/** The values of an iterator whose first step was made already. A reader that stops early stops it, also one that has read none. */
export const resumedStream = <T>(
  first: IteratorResult<T, undefined>,
  rest: AsyncIterator<T, undefined, undefined>,
): Stream<T> => ({
  [Symbol.asyncIterator]: () => {
    let pending: IteratorResult<T, undefined> | undefined = first;
    return {
      async next() {
        const step = pending ?? (await rest.next());
        pending = undefined;
        return step;
      },
      async return() {
        pending = { done: true, value: undefined };
        await rest.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});

/** The values of `source`, and `last` of its error in the place of the error. */
export const endingWith = <T>(source: AsyncIterable<T>, last: (error: unknown) => T): Stream<T> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = source[Symbol.asyncIterator]();
    let hasFailed = false;
    return {
      async next() {
        if (hasFailed) return { done: true, value: undefined };
        try {
          const { done, value } = await iterator.next();
          return done ? { done: true, value: undefined } : { done: false, value };
        } catch (error) {
          hasFailed = true;
          return { done: false, value: last(error) };
        }
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});

/** The values of `source`, mapped one by one. A reader that stops early stops `source`. */
export const mapStream = <T, U>(source: AsyncIterable<T>, map: (value: T) => U): Stream<U> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = source[Symbol.asyncIterator]();
    return {
      async next() {
        const { done, value } = await iterator.next();
        return done ? { done: true, value: undefined } : { done: false, value: map(value) };
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});
