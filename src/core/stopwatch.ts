/** Times the steps of one flow, in milliseconds. A step that occurs twice is added up. */
export interface Stopwatch<Step extends string> {
  /** Ends `step`, which began at the end of the step before. */
  lap(step: Step): void;
  readonly stepsMs: Readonly<Partial<Record<Step, number>>>;
  /** When each step began first, after the start. */
  readonly beginsMs: Readonly<Partial<Record<Step, number>>>;
  totalMs(): number;
  /** Time of the processor since the start, on all threads of this process. */
  cpuMs(): number;
  /** From now on `totalMs` and `cpuMs` say what they say now: asking for the time of the processor again would cost 16 µs. */
  stop(): void;
}

/** Whole microseconds, in milliseconds: more digits say nothing. */
export const roundMs = (ms: number): number => Math.round(ms * 1000) / 1000;

/** The times of steps, for people to read. */
export const roundedSteps = (stepsMs: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(stepsMs).map(([step, ms]) => [step, roundMs(ms)]));

export const startStopwatch = <Step extends string>(): Stopwatch<Step> => {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const stepsMs: Partial<Record<Step, number>> = {};
  const beginsMs: Partial<Record<Step, number>> = {};
  let lastMs = startMs;
  let stopped: { readonly totalMs: number; readonly cpuMs: number } | undefined;
  const totalMs = (): number => performance.now() - startMs;
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system - startCpu.user - startCpu.system) / 1000;
  };
  return {
    stepsMs,
    beginsMs,
    lap(step) {
      const nowMs = performance.now();
      beginsMs[step] ??= lastMs - startMs;
      stepsMs[step] = (stepsMs[step] ?? 0) + nowMs - lastMs;
      lastMs = nowMs;
    },
    totalMs: () => stopped?.totalMs ?? totalMs(),
    cpuMs: () => stopped?.cpuMs ?? cpuMs(),
    stop() {
      stopped ??= { totalMs: totalMs(), cpuMs: cpuMs() };
    },
  };
};
