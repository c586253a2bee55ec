import type { Background } from './background.ts';

/** Work that follows an answer and must not be lost: it is short, and the process does it before it ends. */
export interface Later {
  /** Does `work` a turn of the event loop later, in which the answer is written. It must not throw. */
  later(work: () => void): void;
  /** Does all that is not done yet. */
  now(): void;
}

export const createLater = ({ hold }: Pick<Background, 'hold'>): Later => {
  const waiting = new Set<() => void>();
  const run = (work: () => void): void => {
    if (waiting.delete(work)) work();
  };
  return {
    later(work) {
      waiting.add(work);
      hold(new Promise<void>((resolve) => setImmediate(resolve)).then(() => run(work)));
    },
    now: () => waiting.forEach(run),
  };
};
