/** Times the steps of one flow, in milliseconds. A step that occurs twice is added up. */
export interface Stopwatch<Step extends string> {
  /** Ends `step`, which began at the end of the step before. */
  lap(step: Step): void;
  readonly stepsMs: Readonly<Partial<Record<Step, number>>>;
  totalMs(): number;
}

export const startStopwatch = <Step extends string>(): Stopwatch<Step> => {
  const startMs = performance.now();
  const stepsMs: Partial<Record<Step, number>> = {};
  let lastMs = startMs;
  return {
    stepsMs,
    lap(step) {
      const nowMs = performance.now();
      stepsMs[step] = (stepsMs[step] ?? 0) + nowMs - lastMs;
      lastMs = nowMs;
    },
    totalMs: () => performance.now() - startMs,
  };
};
