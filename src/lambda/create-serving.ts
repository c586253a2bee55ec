import type { Config } from '../core/config.ts';
import { createModelCache } from '../engine/model-cache.ts';
import { createModelRepository } from '../repository/model-repository.ts';
import { createS3Client, createS3Store } from '../repository/s3-store.ts';
import { createRouter } from '../serving/router.ts';
import type { Serving } from '../serving/serving.ts';
import { createTelemetry } from './telemetry.ts';

/** Wires a function: models and data in S3, metrics and logs through Powertools. */
export const createServing = ({ modelsBucket, dataBucket, modelCacheDirectory, memoryMb }: Config): Serving => {
  const client = createS3Client();
  const store = createS3Store(client, modelsBucket);
  const repository = createModelRepository(store);
  const telemetry = createTelemetry();
  return {
    repository,
    router: createRouter(repository),
    models: createModelCache(store, { directory: modelCacheDirectory, memoryMb, onLoaded: telemetry.loaded }),
    data: createS3Store(client, dataBucket),
    telemetry,
  };
};
