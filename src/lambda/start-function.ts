import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { diskBudget } from '../engine/model-files.ts';
import { createS3Client, createS3Store } from '../repository/stores/s3-store.ts';
import { parseTrustedKeys } from '../repository/versions/trusted-keys.ts';
import { createServing } from '../serving/create-serving.ts';
import { preload } from '../serving/preload.ts';
import type { Serving } from '../serving/serving.ts';
import { type LambdaBackground, startBackground } from './background.ts';
import { type Config, readConfig } from './configuration.ts';
import { createTelemetry } from './telemetry.ts';

/** The init of a function: connects S3 and Powertools, and loads the models of `PRELOAD_MODELS`. */
export const startFunction = async (): Promise<{
  readonly serving: Serving;
  readonly background: LambdaBackground;
  readonly config: Config;
}> => {
  const config = readConfig();
  const { modelCacheDirectory: directory, memoryMb, routingTtlMs } = config;
  const client = createS3Client();
  const background = await startBackground(config.runtimeApi);
  const serving = createServing({
    models: createS3Store(client, config.modelsBucket),
    data: createS3Store(client, config.dataBucket),
    references: config.references,
    telemetry: createTelemetry(),
    background,
    only: config.models,
    trustedKeys: parseTrustedKeys(config.trustedKeys),
    withdrawn: config.withdrawn,
    directory,
    memoryMb,
    memoryBudgetBytes: memoryMb * BYTES_PER_LAMBDA_MB * config.modelMemoryShare,
    diskBudgetBytes: diskBudget(directory, config.modelTmpShare),
    routingTtlMs,
  });
  // Lambda gives the process half a second to end.
  process.once('SIGTERM', () => void serving.capture.flush().finally(() => process.exit()));
  await preload(serving, config.preloadModels, config.initBudgetMs);
  return { serving, background, config };
};
