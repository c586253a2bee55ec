import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import { createQueue } from '../core/queue.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { graphFiles, totalBytes } from './artefacts.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type Create, createLeaseCache, type Lease, type Sized } from './lease-cache.ts';
import { inMb, type ModelDirectory, openModelFiles } from './model-files.ts';
import { createSession, loadRuntime, type Session } from './session.ts';

/** The graphs of a bundle in memory, a session for each by the role it plays. */
export interface OpenedGraphs {
  readonly bundle: PublishedBundle;
  readonly graphs: Readonly<Record<string, Session>>;
}

/** A model that is ready to answer. */
export interface LoadedModel extends OpenedGraphs {
  /** What its task needs besides the graphs, as `makeReady` returned it. */
  readonly resources: unknown;
}

/** What loading a model took. */
export interface LoadReport {
  readonly model: string;
  readonly version: number;
  /** 0 when the files were there already. */
  readonly downloadBytes: number;
  readonly downloadMs: number;
  readonly createMs: number;
  readonly warmUpMs: number;
  /** By how much the process grew, at least the size of the graphs' files. The first model also pays for the runtime, some 20 MB. */
  readonly memoryBytes: number;
}

/** A model that was released, to make room for others. */
export type EvictionReport = Pick<LoadReport, 'model' | 'version' | 'memoryBytes'>;

/**
 * Models by the digest of their bundle. They stay while they fit, those that were used least recently go first, and none goes while in use.
 * Loading one throws `MODEL_INVALID`, `MODEL_UNAVAILABLE`, or `INSUFFICIENT_STORAGE` when it can never fit: at once when its files say so.
 */
export interface ModelCache {
  /**
   * Leases the loaded model. Concurrent first calls load it once, and a failure is not kept. The holder must not ask for another model.
   * @param trial of the call that loads the model, answers its request as the warm-up
   * @throws `MODEL_UNAVAILABLE` when the model is not loaded by `deadline`; it goes on being loaded
   */
  acquire(bundle: PublishedBundle, deadline: Deadline, trial?: Trial): Promise<Lease<LoadedModel>>;
  /** Runs `work` with a lease of the loaded model. @throws as `acquire`; errors of `work` */
  use<Result>(
    bundle: PublishedBundle,
    deadline: Deadline,
    work: (model: LoadedModel) => Promise<Result>,
  ): Promise<Result>;
  /** Brings the files to disk and stops there. */
  fetch(bundle: PublishedBundle): Promise<void>;
  /** How it stands with a model in this process; undefined when nobody has asked for it, or it was evicted. */
  state(bundle: PublishedBundle): ModelState | undefined;
}

export type ModelState =
  | { readonly name: 'ready' | 'loading' }
  | { readonly name: 'failed'; readonly error: ServingError };

/** Answers the request that waits for the model, as its warm-up. Resolves to true if the model answered; must not reject. */
export type Trial = (model: LoadedModel) => Promise<boolean>;

const NO_TRIAL: Trial = async () => false;

/** Reads a file of the bundle. */
export type ReadArtefact = (path: string) => Promise<Uint8Array>;

export interface ModelCacheOptions {
  readonly directory: string;
  /** Of the function, from which follows the number of threads. */
  readonly memoryMb: number;
  /** What loaded models may take together. */
  readonly memoryBudgetBytes: number;
  /** What the files of models may take together in `directory`. */
  readonly diskBudgetBytes: number;
  /** Reads what the task needs besides the graphs, which it returns, and runs the model, by `trial` if it likes; what it throws is why the model is not handed out. */
  readonly makeReady: (opened: OpenedGraphs, read: ReadArtefact, trial: Trial) => Promise<unknown>;
  readonly onLoaded: (report: LoadReport) => void;
  readonly onEvicted: (report: EvictionReport) => void;
}

/** A download that is smaller leaves little behind. */
const GARBAGE_FROM_BYTES = 32 * 1024 * 1024;

/** What a model is expected to take for each byte of its graphs until it was measured: weights, their packed copies, a run's memory. */
const EXPECTED_GROWTH = 1.5;

const since = (startMs: number): number => performance.now() - startMs;

const release = async ({ graphs }: OpenedGraphs): Promise<void> => {
  await Promise.allSettled(Object.values(graphs).map((session) => session.release()));
};

/** Creates the sessions of `bundle` and runs them. What fails is released. */
const createModel = async (
  bundle: PublishedBundle,
  directory: string,
  trial: Trial,
  { memoryMb, makeReady }: ModelCacheOptions,
) => {
  loadRuntime(); // its memory is not this model's
  const beforeBytes = process.memoryUsage.rss();
  const graphs: Record<string, Session> = {};
  const opened = { bundle, graphs };
  try {
    const createStartMs = performance.now();
    for (const [name, { file }] of Object.entries(bundle.graphs))
      graphs[name] = await createSession(join(directory, file), memoryMb);
    const createMs = since(createStartMs);
    const warmUpStartMs = performance.now();
    const resources = await makeReady(opened, (path) => readFile(join(directory, path)), trial);
    const warmUpMs = since(warmUpStartMs);
    return { model: { ...opened, resources }, createMs, warmUpMs, grownBytes: process.memoryUsage.rss() - beforeBytes };
  } catch (error) {
    await release(opened);
    throw error;
  }
};

export const createModelCache = (store: ObjectStore, options: ModelCacheOptions): ModelCache => {
  const { directory, diskBudgetBytes, memoryBudgetBytes, onLoaded, onEvicted } = options;
  const openFiles = once(() => openModelFiles(store, { directory, budgetBytes: diskBudgetBytes }));
  /** What models were seen to take, by digest. */
  const measuredBytes = new Map<string, number>();
  const states = new Map<string, ModelState>();
  /** Two models that are created at the same time would be measured together. */
  const oneAtATime = createQueue();

  const memory = createLeaseCache<LoadedModel>({
    budgetBytes: memoryBudgetBytes,
    evict: async (digest, { value, bytes }) => {
      states.delete(digest);
      await release(value);
      onEvicted({ model: value.bundle.name, version: value.bundle.version, memoryBytes: bytes });
    },
  });

  const doesNotFit = ({ name, version }: PublishedBundle, bytes: number, what: string): ServingError =>
    new ServingError(
      'INSUFFICIENT_STORAGE',
      `model ${name} version ${version} ${what} ${inMb(bytes)}, and all loaded models together may take ${inMb(memoryBudgetBytes)} of memory; give the function more memory (stage parameter memory), or models a larger share of it (modelMemoryShare)`,
    );

  const assertCanFit = (bundle: PublishedBundle): void => {
    const fileBytes = totalBytes(graphFiles(bundle));
    if (fileBytes > memoryBudgetBytes) throw doesNotFit(bundle, fileBytes, 'has graphs of');
    const bytes = measuredBytes.get(bundle.digest) ?? 0;
    if (bytes > memoryBudgetBytes) throw doesNotFit(bundle, bytes, 'takes');
  };

  const create = async (bundle: PublishedBundle, files: ModelDirectory, trial: Trial): Promise<Sized<LoadedModel>> => {
    const { name, version, digest } = bundle;
    if ((files.download?.bytes ?? 0) >= GARBAGE_FROM_BYTES) await collectGarbage();
    const { model, grownBytes, ...durations } = await createModel(bundle, files.path, trial, options);
    // Memory that an evicted model left with the allocator is used again without being seen: what was seen before counts.
    const bytes = Math.max(grownBytes, totalBytes(graphFiles(bundle)), measuredBytes.get(digest) ?? 0);
    measuredBytes.set(digest, bytes);
    if (bytes > memoryBudgetBytes) {
      await release(model);
      throw doesNotFit(bundle, bytes, 'takes');
    }
    const { bytes: downloadBytes = 0, ms: downloadMs = 0 } = files.download ?? {};
    files.download = undefined;
    onLoaded({ model: name, version, downloadBytes, downloadMs, ...durations, memoryBytes: bytes });
    return { value: model, bytes };
  };

  const load =
    (bundle: PublishedBundle, trial: Trial): Create<LoadedModel> =>
    async (reserve) => {
      states.set(bundle.digest, { name: 'loading' });
      try {
        assertCanFit(bundle);
        const files = await openFiles();
        const created = await files.use(bundle, async (found) => {
          await reserve(measuredBytes.get(bundle.digest) ?? totalBytes(graphFiles(bundle)) * EXPECTED_GROWTH);
          return oneAtATime(() => create(bundle, found, trial));
        });
        states.set(bundle.digest, { name: 'ready' });
        return created;
      } catch (error) {
        states.set(bundle.digest, { name: 'failed', error: ServingError.from(error) });
        throw error;
      }
    };

  return {
    acquire: (bundle, deadline, trial = NO_TRIAL) => memory.acquire(bundle.digest, load(bundle, trial), deadline),
    use: (bundle, deadline, work) => memory.use(bundle.digest, load(bundle, NO_TRIAL), work, deadline),
    fetch: async (bundle) => {
      assertCanFit(bundle);
      const files = await openFiles();
      await files.use(bundle, async () => {});
    },
    state: ({ digest }) => states.get(digest),
  };
};
