import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB, formatLambdaMb } from '../core/format-bytes.ts';
import type { ReadFile } from '../core/payload.ts';
import { createQueue } from '../core/queue.ts';
import { totalBytes } from '../core/total-bytes.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Sized } from './lease-cache.ts';
import type { ModelDirectory, ModelFiles } from './model-files.ts';
import { openGraphs, releaseSessions, type Sessions } from './open-graphs.ts';
import { loadRuntime } from './session.ts';
import { graphFiles } from './version-files.ts';

/** The graphs of a bundle in memory: a session by role. */
export interface OpenedGraphs {
  readonly bundle: PublishedBundle;
  readonly graphs: Sessions;
}

/** A model that is ready to answer. */
export interface LoadedModel extends OpenedGraphs {
  /** The resources that `warmUp` returned, for the task of the model. */
  readonly resources: unknown;
}

/** Durations, download and memory of a load. */
export interface LoadReport {
  readonly model: string;
  readonly version: number;
  /** 0 when the files were on the disk already. */
  readonly downloadBytes: number;
  readonly downloadMs: number;
  readonly createMs: number;
  readonly warmUpMs: number;
  /** Growth of the process, and at least the size of the graphs' files. The first model also pays for the runtime, some 20 MB. */
  readonly memoryBytes: number;
}

/** Answers the request that waits for the model, as its warm-up. Resolves to true if the model answered; must not reject. */
export type Trial = (model: LoadedModel) => Promise<boolean>;

export interface ModelLoaderOptions {
  /** Memory of the function in MB, which determines the number of threads. */
  readonly memoryMb: number;
  /** The limit for all loaded models together. */
  readonly memoryBudgetBytes: number;
  /** Reads the resources of the task, runs the model, perhaps by `trial`, and returns the resources. A model whose `warmUp` throws is not used. */
  readonly warmUp: (opened: OpenedGraphs, read: ReadFile, trial: Trial) => Promise<unknown>;
  readonly onLoaded: (report: LoadReport) => void;
}

/** Expected memory per byte of a model's graphs, until it was measured: weights, their packed copies, the memory of a run. */
const EXPECTED_GROWTH = 1.5;

const since = (startMs: number): number => performance.now() - startMs;

const assertFits = (
  { name, version }: PublishedBundle,
  claim: 'has graphs of' | 'takes',
  bytes: number,
  { memoryBudgetBytes }: ModelLoaderOptions,
): void => {
  if (bytes <= memoryBudgetBytes) return;
  const limit = formatLambdaMb(memoryBudgetBytes);
  throw new ServingError(
    'INSUFFICIENT_STORAGE',
    `model ${name} version ${version} ${claim} ${formatLambdaMb(bytes)}, and all loaded models together may take ${limit} of memory`,
    {
      operator:
        'give the function more memory (stage parameter memory), or models a larger share of it (modelMemoryShare)',
    },
  );
};

/** Refuses a model that took more memory at push than the function has: Lambda would end the process. Without a budget there is no such end. */
const assertPeakFits = (
  { name, version, trialRun }: PublishedBundle,
  { memoryMb, memoryBudgetBytes }: ModelLoaderOptions,
): void => {
  const peakBytes = trialRun?.peakMemoryBytes ?? 0;
  const memoryBytes = Math.max(memoryMb * BYTES_PER_LAMBDA_MB, memoryBudgetBytes);
  if (peakBytes <= memoryBytes) return;
  throw new ServingError(
    'INSUFFICIENT_STORAGE',
    `model ${name} version ${version} took ${formatLambdaMb(peakBytes)} of memory in its trial run at push, the function has ${formatLambdaMb(memoryBytes)}`,
    { operator: 'give the function more memory (stage parameter memory)' },
  );
};

/** Creates the sessions of `bundle` and runs them. Sessions are released when it fails. */
const createModel = async (
  bundle: PublishedBundle,
  directory: string,
  trial: Trial,
  { memoryMb, warmUp }: ModelLoaderOptions,
) => {
  loadRuntime(); // its memory is not this model's
  const beforeBytes = process.memoryUsage.rss();
  const createStartMs = performance.now();
  const { sessions: graphs } = await openGraphs(bundle.graphs, (file) => join(directory, file), memoryMb);
  const createMs = since(createStartMs);
  const opened = { bundle, graphs };
  try {
    const warmUpStartMs = performance.now();
    const resources = await warmUp(opened, (path) => readFile(join(directory, path)), trial);
    const warmUpMs = since(warmUpStartMs);
    return { model: { ...opened, resources }, createMs, warmUpMs, grownBytes: process.memoryUsage.rss() - beforeBytes };
  } catch (error) {
    await releaseSessions(graphs);
    throw error;
  }
};

/** Loads models, one at a time, and remembers the memory that each took. */
export const createModelLoader = (options: ModelLoaderOptions) => {
  /** Memory that models were measured to take, by digest. */
  const measuredBytes = new Map<string, number>();
  /** Two models that were created at the same time would be measured together. */
  const oneAtATime = createQueue();

  const create = async (bundle: PublishedBundle, files: ModelDirectory, trial: Trial): Promise<Sized<LoadedModel>> => {
    const { name, version, digest } = bundle;
    const { model, grownBytes, ...durations } = await createModel(bundle, files.path, trial, options);
    // Memory that an evicted model left with the allocator is used again unseen: an earlier measurement counts too.
    const bytes = Math.max(grownBytes, totalBytes(graphFiles(bundle)), measuredBytes.get(digest) ?? 0);
    measuredBytes.set(digest, bytes);
    try {
      assertFits(bundle, 'takes', bytes, options);
    } catch (error) {
      await releaseSessions(model.graphs);
      throw error;
    }
    const { bytes: downloadBytes = 0, ms: downloadMs = 0 } = files.download ?? {};
    files.download = undefined;
    options.onLoaded({ model: name, version, downloadBytes, downloadMs, ...durations, memoryBytes: bytes });
    return { value: model, bytes };
  };

  return {
    /** @throws `INSUFFICIENT_STORAGE` for a model that is known not to fit, by its trial run, its files or an earlier load */
    assertCanFit: (bundle: PublishedBundle): void => {
      assertPeakFits(bundle, options);
      assertFits(bundle, 'has graphs of', totalBytes(graphFiles(bundle)), options);
      assertFits(bundle, 'takes', measuredBytes.get(bundle.digest) ?? 0, options);
    },

    load: (
      bundle: PublishedBundle,
      files: ModelFiles,
      trial: Trial,
      reserve: (bytes: number) => Promise<void>,
    ): Promise<Sized<LoadedModel>> =>
      files.use(bundle, async (directory) => {
        await reserve(measuredBytes.get(bundle.digest) ?? totalBytes(graphFiles(bundle)) * EXPECTED_GROWTH);
        return oneAtATime(() =>
          files.journal.record(bundle, trial, (watched: Trial) => create(bundle, directory, watched)),
        );
      }),
  };
};
