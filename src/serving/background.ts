/** Work that goes on while, or after, a request is answered. */
export interface Background {
  /** Lets work that is under way end, even when the answer is out before. It must not reject. */
  hold(work: Promise<unknown>): void;
  /** Starts work once the answer is out. Its errors reach nobody. */
  defer(start: () => Promise<void>): void;
}

/** For a process that nobody freezes. */
export const ordinaryBackground: Background = {
  hold: () => {},
  // A turn of the event loop later, in which the answer is written.
  defer: (start) => {
    setTimeout(() => void start().catch(() => {}), 1);
  },
};
