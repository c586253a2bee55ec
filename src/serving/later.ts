import type { Background } from './background.ts';

/** Work that follows an answer and must not be lost: it is short, and the process does it before it ends. */
export interface Later {
  /** Does `work` once the answer is out. */
  later(work: () => void): void;
  /** Does all that is not done yet. */
  now(): void;
}

export const createLater = ({ defer }: Pick<Background, 'defer'>): Later => {
  const waiting = new Set<() => void>();
  const run = (work: () => void): void => {
    if (waiting.delete(work)) work();
  };
  return {
    later(work) {
      waiting.add(work);
      defer(async () => run(work));
    },
    now: () => waiting.forEach(run),
  };
};
