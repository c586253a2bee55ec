import { randomUUID } from 'node:crypto';
import { ERROR_KINDS } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { memoryUsed } from '../core/memory-used.ts';
import { dayPrefix, hourOf } from '../monitoring/figures/hours.ts';
import { type HourFigures, noFigures, type VersionFigures } from '../monitoring/figures/version-figures.ts';
import { addHistogram, binOf } from '../monitoring/histogram.ts';
import { createGrowingObjects, type GrowingObjectsOptions } from './growing-objects.ts';
import type { Observation } from './telemetry.ts';

/** Adds up the figures of each model by version and hour, for `onnx-serverless monitor`. */
export interface Figures {
  /** Counts a request that has ended, if it reached a version. */
  count(observation: Observation): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

/** The function that counts. */
export interface FiguresOptions {
  readonly functionName: string;
  /** Time of the init of this environment, in milliseconds; 0 while it goes on. */
  readonly initMs: () => number;
}

const FLUSH_MS = 60_000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const add = (figures: Mutable<VersionFigures>, observation: Observation, initMs: number | undefined): void => {
  const { batchSize, skipped = 0, failures, stopwatch } = observation;
  const totalMs = stopwatch.totalMs();
  const clientFaults = failures.filter(({ code }) => ERROR_KINDS[code].fault === 'client').length;
  figures.requests += Math.max(1, batchSize - skipped);
  figures.clientFaults += clientFaults;
  figures.serverFaults += failures.length - clientFaults;
  figures.billedMs += Math.ceil(totalMs);
  figures.cpuMs += stopwatch.cpuMs();
  addHistogram(figures.latencyMs, { [binOf(totalMs)]: 1 });
  figures.memoryMb = Math.max(figures.memoryMb, Math.ceil(memoryUsed() / BYTES_PER_LAMBDA_MB));
  if (initMs === undefined) return;
  figures.coldStarts += 1;
  figures.initMs += initMs;
};

/** @param memoryMb of the function */
export const createFigures = (
  { functionName, initMs }: FiguresOptions,
  memoryMb: number,
  options: Omit<GrowingObjectsOptions, 'flushMs' | 'label'>,
): Figures => {
  const environment = randomUUID().slice(0, 8);
  const label = 'the figures of a model';
  const objects = createGrowingObjects<Mutable<HourFigures>>({ ...options, flushMs: FLUSH_MS, label });
  let isFirst = true;
  return {
    flush: objects.flush,
    count(observation) {
      const { model, version } = observation;
      if (model === undefined || version === undefined) return;
      const { day, hour } = hourOf(options.nowMs());
      const start = (): HourFigures => ({ formatVersion: 1, functionName, memoryMb, versions: {} });
      objects.change(`${dayPrefix(model, day)}${hour}-${environment}.json`, start, ({ versions }) => {
        const figures = versions[version] ?? noFigures();
        versions[version] = figures;
        add(figures, observation, isFirst ? initMs() : undefined);
        isFirst = false;
      });
    },
  };
};
