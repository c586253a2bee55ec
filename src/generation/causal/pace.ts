/** More steps of a run save hardly more. */
const MOST_STEPS = 16;
/** Tokens of a run come together, and a run cannot be interrupted: a stream stays smooth, and an end comes soon. */
const MOST_MS = 250;

/** Steps of the next run. It grows while the drafts of the graph are the tokens that are chosen. */
export interface Pace {
  readonly steps: number;
  /** @param ms the time of a step; undefined for a run that computed a prompt */
  note(areKept: boolean, ms: number | undefined): void;
}

/** Begins with one step, so that the first token comes at once. Without drafts, each run takes one step. */
export const createPace = (takesSteps: boolean): Pace => {
  let steps = 1;
  return {
    get steps() {
      return steps;
    },
    note(areKept, ms) {
      if (!areKept || !takesSteps) steps = 1;
      else if (ms !== undefined) steps = Math.max(1, Math.min(2 * steps, MOST_STEPS, Math.floor(MOST_MS / ms)));
    },
  };
};
