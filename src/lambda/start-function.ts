import packageJson from '../../package.json' with { type: 'json' };
import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { once } from '../core/once.ts';
import { diskBudget } from '../engine/model-files.ts';
import { createDeferredStore } from '../repository/stores/deferred-store.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { parseTrustedKeys } from '../repository/versions/trusted-keys.ts';
import { createServing } from '../serving/create-serving.ts';
import { preload } from '../serving/preload.ts';
import type { Serving } from '../serving/serving.ts';
import { type LambdaBackground, startBackground } from './background.ts';
import { type Config, readCollectorConfig, readConfig } from './configuration.ts';
import type { Collector } from './telemetry/collector/collector.ts';
import { createWarned } from './telemetry/describe-failure.ts';
import { createTelemetry } from './telemetry/telemetry.ts';

/** The buckets of a function. */
interface Buckets {
  readonly models: ObjectStore;
  readonly data: ObjectStore;
}

const openBuckets = async ({ modelsBucket, dataBucket }: Config): Promise<Buckets> => {
  const { createS3Client, createS3Store } = await import('../repository/stores/s3-store.ts');
  const client = createS3Client();
  return { models: createS3Store(client, modelsBucket), data: createS3Store(client, dataBucket) };
};

/** Starts the AWS SDK, unless models travel with the function: they answer without it, and it is started when it is first needed. */
const connectBuckets = async (config: Config): Promise<Buckets> => {
  const { embedded, modelsBucket, dataBucket } = config;
  const open = once(() => openBuckets(config));
  if (embedded.names.length === 0 || embedded.routing === 'strict') return open();
  return {
    models: createDeferredStore(`s3://${modelsBucket}`, async () => (await open()).models),
    data: createDeferredStore(`s3://${dataBucket}`, async () => (await open()).data),
  };
};

/** The collector of OpenTelemetry that the environment names. Without one, its code is not read. */
const findCollector = async (config: Config, background: LambdaBackground): Promise<Collector | undefined> => {
  const named = readCollectorConfig();
  if (named === undefined) return undefined;
  const { connectCollector } = await import('./telemetry/collector/collector.ts');
  const { functionName, memoryMb, runtimeApi } = config;
  const facts = { functionName, memoryBytes: memoryMb * BYTES_PER_LAMBDA_MB, version: packageJson.version };
  const surroundings = { background, warned: createWarned(), hasTimers: runtimeApi === undefined };
  return connectCollector(surroundings, { ...named, ...facts });
};

/** The init of a function: connects S3 and Powertools, and loads the models of `PRELOAD_MODELS`. */
export const startFunction = async (): Promise<{
  readonly serving: Serving;
  readonly background: LambdaBackground;
  readonly config: Config;
}> => {
  const config = readConfig();
  const { modelCacheDirectory: directory, memoryMb, routingTtlMs, functionName } = config;
  let endedMs = 0;
  const initMs = (): number => endedMs;
  const { models, data } = await connectBuckets(config);
  const background = await startBackground(config.runtimeApi);
  const collector = await findCollector(config, background);
  const serving = createServing({
    models,
    data,
    embedded: config.embedded,
    references: config.references,
    clients: config.clients,
    telemetry: createTelemetry({ memoryMb, directory, initMs }, collector),
    figures: { functionName, initMs },
    background,
    only: config.models,
    elsewhere: config.elsewhere,
    trustedKeys: parseTrustedKeys(config.trustedKeys),
    withdrawn: config.withdrawn,
    directory,
    memoryMb,
    memoryBudgetBytes: memoryMb * BYTES_PER_LAMBDA_MB * config.modelMemoryShare,
    diskBudgetBytes: diskBudget(directory, config.modelTmpShare),
    routingTtlMs,
  });
  // Lambda gives the process half a second to end.
  process.once('SIGTERM', () => {
    Promise.all([serving.end(), collector?.flush()]).finally(() => process.exit());
  });
  await preload(serving, config.preloadModels, config.initBudgetMs);
  endedMs = performance.now(); // since the start of the process
  return { serving, background, config };
};
