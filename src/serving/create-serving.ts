import { createModelCache, type ModelCacheOptions } from '../engine/model-cache.ts';
import { createModelRepository } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/object-store.ts';
import type { Background } from './background.ts';
import { createRouter } from './router.ts';
import type { Serving } from './serving.ts';
import type { Telemetry } from './telemetry.ts';

/** What differs between a function, the command line and a test. */
export interface ServingOptions extends Pick<ModelCacheOptions, 'directory' | 'memoryMb'> {
  readonly models: ObjectStore;
  readonly data: ObjectStore;
  readonly telemetry: Telemetry;
  readonly background: Background;
  readonly routingTtlMs: number;
  readonly nowMs?: () => number;
}

/** Wires everything that serves. */
export const createServing = (options: ServingOptions): Serving => {
  const { models: store, data, telemetry, background, directory, memoryMb, routingTtlMs, nowMs = Date.now } = options;
  const repository = createModelRepository(store);
  const models = createModelCache(store, { directory, memoryMb, onLoaded: telemetry.loaded });
  const router = createRouter(repository, {
    ttlMs: routingTtlMs,
    prepare: models.get,
    background,
    onRefused: telemetry.refused,
    nowMs,
  });
  return { repository, router, models, data, telemetry, background };
};
