import type { Duration, VersionStatistics } from '../protocol/open-inference/statistics.ts';
import type { Observation, Step } from './telemetry.ts';

/** The statistics of this process alone: another one of the same function counts for itself. */
export interface Statistics {
  /** Counts a request that has ended, if it reached a version. */
  count(observation: Observation): void;
  /** The versions of a model that were asked for, ascending. */
  of(model: string): VersionStatistics[];
  /** The models that were asked for, by name. */
  models(): string[];
}

const NONE: Duration = { count: 0, ms: 0 };

export const noStatistics = (version: number): VersionStatistics => ({
  ...{ version, lastAnswerMs: 0, answers: 0, runs: 0, success: NONE, fail: NONE },
  parts: { queue: NONE, input: NONE, infer: NONE, output: NONE },
});

const add = ({ count, ms }: Duration, more: number, moreMs: number): Duration => ({
  count: count + more,
  ms: ms + moreMs,
});

const counted = (figures: VersionStatistics, observation: Observation, nowMs: number): VersionStatistics => {
  const { batchSize, failures, skipped = 0, stopwatch } = observation;
  const answers = batchSize - skipped - failures.length;
  const fail = add(figures.fail, failures.length, failures.length > 0 ? stopwatch.totalMs() : 0);
  if (answers <= 0) return { ...figures, fail };
  const part = (duration: Duration, ...steps: readonly Step[]): Duration =>
    add(
      duration,
      answers,
      steps.reduce((ms, step) => ms + (stopwatch.stepsMs[step] ?? 0), 0),
    );
  const { queue, input, infer, output } = figures.parts;
  return {
    version: figures.version,
    lastAnswerMs: nowMs,
    answers: figures.answers + answers,
    runs: figures.runs + 1,
    success: add(figures.success, answers, stopwatch.totalMs()),
    fail,
    parts: {
      queue: part(queue, 'route', 'load'),
      input: part(input, 'decode', 'preprocess'),
      infer: part(infer, 'run'),
      output: part(output, 'postprocess', 'encode'),
    },
  };
};

export const createStatistics = (nowMs: () => number): Statistics => {
  const models = new Map<string, Map<number, VersionStatistics>>();
  return {
    count(observation) {
      const { model, version } = observation;
      if (model === undefined || version === undefined) return;
      const versions = models.get(model) ?? new Map<number, VersionStatistics>();
      models.set(model, versions);
      versions.set(version, counted(versions.get(version) ?? noStatistics(version), observation, nowMs()));
    },
    of: (model) => [...(models.get(model)?.values() ?? [])].sort((one, other) => one.version - other.version),
    models: () => [...models.keys()].sort(),
  };
};
