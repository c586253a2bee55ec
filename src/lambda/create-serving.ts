import type { Config } from '../core/config.ts';
import { createModelCache } from '../engine/model-cache.ts';
import { diskBudget } from '../engine/model-files.ts';
import { createModelRepository } from '../repository/model-repository.ts';
import { createS3Client, createS3Store } from '../repository/s3-store.ts';
import { parseTrustedKeys } from '../repository/signature.ts';
import { createRouter } from '../serving/router.ts';
import type { Serving } from '../serving/serving.ts';
import { warmUp } from '../serving/warm-up.ts';
import { createTelemetry } from './telemetry.ts';

const BYTES_PER_MB = 1024 * 1024;

/** Wires a function: models and data in S3, metrics and logs through Powertools. */
export const createServing = (config: Config): Serving => {
  const { modelsBucket, dataBucket, modelCacheDirectory: directory, memoryMb } = config;
  const client = createS3Client();
  const store = createS3Store(client, modelsBucket);
  const repository = createModelRepository(store, {
    only: config.models,
    trustedKeys: parseTrustedKeys(config.trustedKeys),
  });
  const telemetry = createTelemetry();
  return {
    repository,
    router: createRouter(repository),
    models: createModelCache(store, {
      directory,
      memoryMb,
      memoryBudgetBytes: memoryMb * BYTES_PER_MB * config.modelMemoryShare,
      diskBudgetBytes: diskBudget(directory, config.modelTmpShare),
      warmUp,
      onLoaded: telemetry.loaded,
      onEvicted: telemetry.evicted,
    }),
    data: createS3Store(client, dataBucket),
    telemetry,
  };
};
