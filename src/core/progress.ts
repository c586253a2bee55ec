/** Lets waiters know that something has happened; each waits for the next time only. */
export interface Progress {
  next(): Promise<void>;
  tell(): void;
}

export const createProgress = (): Progress => {
  let waiting = Promise.withResolvers<void>();
  return {
    next: () => waiting.promise,
    tell: () => {
      waiting.resolve();
      waiting = Promise.withResolvers();
    },
  };
};
