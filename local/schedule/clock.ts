/** The time and its timers. */
export interface Clock {
  now(): Date;
  /** Calls `run` at `time`. @returns a function that cancels it */
  at(time: Date, run: () => void): () => void;
}

/** A timer of Node's lasts 24 days at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  at: (time, run) => {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const remainingMs = time.getTime() - Date.now();
      timer = remainingMs > 0 ? setTimeout(wait, Math.min(remainingMs, LONGEST_TIMER_MS)) : setTimeout(run, 0);
    };
    wait();
    return () => clearTimeout(timer);
  },
};
