import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type Create, createLeaseCache, type Lease } from './lease-cache.ts';
import { type ModelFilesOptions, openModelFiles } from './model-files.ts';
import {
  createModelLoader,
  type LoadedModel,
  type LoadReport,
  type ModelLoaderOptions,
  type Trial,
} from './model-loader.ts';
import { releaseSessions } from './open-graphs.ts';

/** A model that was released to make room for others. */
export type EvictionReport = Pick<LoadReport, 'model' | 'version' | 'memoryBytes'>;

/**
 * Loaded models by the digest of their bundle. They stay while they fit; the least recently used go first, none while it is in use.
 * A load throws `MODEL_INVALID`, `MODEL_UNAVAILABLE`, or `INSUFFICIENT_STORAGE` for a model that can never fit: at once when its files are too large.
 */
export interface ModelCache {
  /**
   * Leases the loaded model. Concurrent first calls load it once, and a failure is not kept. The holder must not ask for another model.
   * @param trial the trial of the call that loads the model: it answers its request as the warm-up
   * @throws `MODEL_UNAVAILABLE` when the model is not loaded by `deadline`; it goes on being loaded
   */
  acquire(bundle: PublishedBundle, deadline: Deadline, trial?: Trial): Promise<Lease<LoadedModel>>;
  /** Runs `work` with a lease of the loaded model. @throws errors of `acquire` and `work` */
  use<Result>(
    bundle: PublishedBundle,
    deadline: Deadline,
    work: (model: LoadedModel) => Promise<Result>,
  ): Promise<Result>;
  /** Downloads the files, and creates no session. */
  fetch(bundle: PublishedBundle): Promise<void>;
  /** Releases every version of the model that is loaded, once it answers nothing. @throws `MODEL_UNAVAILABLE` at the deadline */
  drop(model: string, deadline: Deadline): Promise<void>;
  /** Bytes of the budget that no model takes. */
  freeBytes(): number;
  /** The state of a model in this process; undefined when nobody has asked for it, or it was evicted. */
  state(bundle: PublishedBundle): ModelState | undefined;
}

export type ModelState =
  | { readonly name: 'ready' | 'loading' }
  | { readonly name: 'failed'; readonly error: ServingError };

const NO_TRIAL: Trial = async () => false;

export interface ModelCacheOptions extends ModelLoaderOptions {
  readonly directory: string;
  /** The limit for the files of all models together in `directory`. */
  readonly diskBudgetBytes: number;
  readonly embeddedFiles?: ModelFilesOptions['embeddedFiles'];
  readonly onEvicted: (report: EvictionReport) => void;
}

export const createModelCache = (store: ObjectStore, options: ModelCacheOptions): ModelCache => {
  const { directory, diskBudgetBytes: budgetBytes, memoryBudgetBytes, embeddedFiles, onEvicted } = options;
  const openFiles = once(() => openModelFiles(store, { directory, budgetBytes, embeddedFiles }));
  const loader = createModelLoader(options);
  const states = new Map<string, { readonly model: string; readonly state: ModelState }>();

  const memory = createLeaseCache<LoadedModel>({
    budgetBytes: memoryBudgetBytes,
    evict: async (digest, { value, bytes }) => {
      states.delete(digest);
      await releaseSessions(value.graphs);
      onEvicted({ model: value.bundle.name, version: value.bundle.version, memoryBytes: bytes });
    },
  });

  const load =
    (bundle: PublishedBundle, trial: Trial): Create<LoadedModel> =>
    async (reserve) => {
      const note = (state: ModelState) => states.set(bundle.digest, { model: bundle.name, state });
      note({ name: 'loading' });
      try {
        loader.assertCanFit(bundle);
        const created = await loader.load(bundle, await openFiles(), trial, reserve);
        note({ name: 'ready' });
        return created;
      } catch (error) {
        note({ name: 'failed', error: ServingError.from(error) });
        throw error;
      }
    };

  return {
    acquire: (bundle, deadline, trial = NO_TRIAL) => memory.acquire(bundle.digest, load(bundle, trial), deadline),
    use: (bundle, deadline, work) => memory.use(bundle.digest, load(bundle, NO_TRIAL), work, deadline),
    fetch: async (bundle) => {
      loader.assertCanFit(bundle);
      const files = await openFiles();
      await files.use(bundle, async () => {});
    },
    drop: async (model, deadline) => {
      const digests = [...states].filter(([, known]) => known.model === model).map(([digest]) => digest);
      await Promise.all(digests.map((digest) => memory.drop(digest, deadline)));
    },
    freeBytes: memory.freeBytes,
    state: ({ digest }) => states.get(digest)?.state,
  };
};
