/** Times the stages of one flow, in milliseconds. A stage that occurs twice is added up. */
export interface Stopwatch<Stage extends string> {
  /** Ends `stage`, which began at the end of the stage before. */
  lap(stage: Stage): void;
  readonly stagesMs: Readonly<Partial<Record<Stage, number>>>;
  totalMs(): number;
}

export const startStopwatch = <Stage extends string>(): Stopwatch<Stage> => {
  const startMs = performance.now();
  const stagesMs: Partial<Record<Stage, number>> = {};
  let lastMs = startMs;
  return {
    stagesMs,
    lap(stage) {
      const nowMs = performance.now();
      stagesMs[stage] = (stagesMs[stage] ?? 0) + nowMs - lastMs;
      lastMs = nowMs;
    },
    totalMs: () => performance.now() - startMs,
  };
};
