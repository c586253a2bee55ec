import { createCapture } from '../capture/capture.ts';
import { NEVER } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { createModelCache, type ModelCacheOptions } from '../engine/model-cache.ts';
import { type EmbeddedModels, withEmbeddedModels } from '../repository/embedded-models.ts';
import { createModelRepository, type RepositoryOptions } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { Clients } from '../tasks/client-defaults.ts';
import type { Background } from './background.ts';
import type { Later } from './later.ts';
import { createRolloutCounts } from './rollout-counts.ts';
import { createRouter } from './router.ts';
import type { References, Serving } from './serving.ts';
import { createStatistics } from './statistics.ts';
import type { Telemetry } from './telemetry.ts';
import { createFigures, type FiguresOptions } from './version-figures.ts';
import { warmUp } from './warm-up.ts';

/** The parts that differ between a function, the command line and a test. */
export interface ServingOptions<Store extends ObjectStore = ObjectStore>
  extends RepositoryOptions,
    Omit<ModelCacheOptions, 'warmUp' | 'onLoaded' | 'onEvicted' | 'embeddedFiles'> {
  readonly models: Store;
  readonly data: ObjectStore;
  /** Models that travel with the function. None when left out. */
  readonly embedded?: EmbeddedModels;
  /** `model` when left out. */
  readonly references?: References;
  /** `python` when left out. */
  readonly clients?: Clients;
  readonly telemetry: Telemetry;
  readonly background: Background;
  /** Reports requests behind their answers. Left out, they are reported before. */
  readonly later?: Later['later'] | undefined;
  readonly routingTtlMs: number;
  /** The function whose figures are added up for `onnx-serverless monitor`; left out, nothing is. */
  readonly figures?: FiguresOptions;
  /** Most time that an answer waits for a revalidation of its routing. Default 200 ms. */
  readonly revalidationMs?: number;
  readonly nowMs?: () => number;
}

/** Wires everything that serves. */
export const createServing = <Store extends ObjectStore>(options: ServingOptions<Store>): Serving<Store> => {
  const {
    models: store,
    data,
    embedded = { directory: '', names: [], routing: 'deployed' },
    references = 'model',
    elsewhere = {},
    clients = 'python',
    background,
    later = (report) => report(),
    routingTtlMs: ttlMs,
    revalidationMs,
    nowMs = Date.now,
  } = options;
  const repository = withEmbeddedModels(createModelRepository(store, options), embedded, options);
  const statistics = createStatistics(nowMs);
  const objects = { data, background, warned: options.telemetry.warned, nowMs };
  const rollouts = createRolloutCounts(objects);
  const figures = options.figures && createFigures(options.figures, options.memoryMb, objects);
  const telemetry: Telemetry = {
    ...options.telemetry,
    observed(observation) {
      observation.stopwatch.stop();
      statistics.count(observation);
      later(() => {
        try {
          rollouts.observe(observation);
          figures?.count(observation);
          options.telemetry.observed(observation);
        } catch (error) {
          options.telemetry.warned('a request was answered, and not measured', ServingError.from(error));
        }
      });
    },
  };
  const hooks = { warmUp, onLoaded: telemetry.loaded, onEvicted: telemetry.evicted };
  const models = createModelCache(store, { ...options, ...hooks, embeddedFiles: repository.embeddedFiles });
  const router = createRouter(repository, {
    ttlMs,
    revalidationMs,
    prepare: (bundle) => models.use(bundle, NEVER, async () => {}),
    background,
    onRefused: telemetry.refused,
    nowMs,
  });
  const capture = createCapture({
    ...{ models: store, data, ttlMs, nowMs },
    onLost: telemetry.captureLost,
    onFailure: telemetry.warned,
  });
  const end = async (): Promise<void> => {
    await Promise.all([capture.end(), rollouts.flush(), figures?.flush()]);
  };
  const settings = { references, elsewhere, clients };
  return { repository, router, models, data, ...settings, telemetry, statistics, rollouts, capture, background, end };
};
