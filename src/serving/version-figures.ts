import { randomUUID } from 'node:crypto';
import { ERROR_KINDS } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { memoryUsed } from '../core/memory-used.ts';
import { dayPrefix, hourOf } from '../monitoring/figures/hours.ts';
import { type HourFigures, NO_MODEL, noFigures, type VersionFigures } from '../monitoring/figures/version-figures.ts';
import { binOf } from '../monitoring/histogram.ts';
import { createGrowingObjects, type GrowingObjectsOptions } from './growing-objects.ts';
import type { Observation } from './telemetry.ts';

/** Adds up the figures of each model by version and hour, for `onnx-serverless monitor`. */
export interface Figures {
  /** Counts a request that has ended, for the version that it reached, or for none. */
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
  const bin = binOf(totalMs);
  figures.latencyMs[bin] = (figures.latencyMs[bin] ?? 0) + 1;
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
  const create = (label: string) =>
    createGrowingObjects<Mutable<HourFigures>>({ ...options, flushMs: FLUSH_MS, label });
  // Apart, so that a look at the health does not put off the figures of a model.
  const [ofModels, ofNoModel] = [create('the figures of a model'), create('the figures of no model')];
  let isFirst = true;
  return {
    flush: async () => void (await Promise.all([ofModels.flush(), ofNoModel.flush()])),
    count(observation) {
      const { model, version } = observation;
      const reached = model !== undefined && version !== undefined ? { name: model, version } : undefined;
      const { name, version: number } = reached ?? NO_MODEL;
      const { day, hour } = hourOf(options.nowMs());
      const start = (): HourFigures => ({ formatVersion: 1, functionName, memoryMb, versions: {} });
      const objects = reached ? ofModels : ofNoModel;
      objects.change(`${dayPrefix(name, day)}${hour}-${environment}.json`, start, ({ versions }) => {
        const figures = versions[number] ?? noFigures();
        versions[number] = figures;
        add(figures, observation, reached && isFirst ? initMs() : undefined);
        if (reached) isFirst = false;
      });
    },
  };
};
