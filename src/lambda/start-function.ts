import packageJson from '../../package.json' with { type: 'json' };
import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { once } from '../core/once.ts';
import { parseTrustedKeys } from '../core/trusted-keys.ts';
import { createDeferredStore } from '../repository/stores/deferred-store.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { findPlainBucket } from '../repository/stores/s3-plain-bucket.ts';
import { createSignedS3Store, type SdkBucket } from '../repository/stores/s3-signed-store.ts';
import { createServing } from '../serving/create-serving.ts';
import { createLater } from '../serving/later.ts';
import { preload } from '../serving/preload.ts';
import type { Serving } from '../serving/serving.ts';
import { type LambdaBackground, startBackground } from './background.ts';
import { openCacheDirectory } from './cache-directory.ts';
import { type Config, readCollectorConfig, readConfig } from './configuration.ts';
import type { Collector } from './telemetry/collector/collector.ts';
import { createWarned } from './telemetry/describe-failure.ts';
import { createTelemetry } from './telemetry/telemetry.ts';

/** The buckets of a function. */
interface Buckets {
  readonly models: ObjectStore;
  readonly data: ObjectStore;
}

/**
 * The buckets, which are read without the AWS SDK where that is plain. Otherwise the SDK is started now, or, when models travel with the
 * function and answer without it, when it is first needed.
 */
const connectBuckets = async ({ embedded, modelsBucket, dataBucket }: Config): Promise<Buckets> => {
  const isNeeded = embedded.names.length === 0 || embedded.routing === 'strict';
  const importSdk = once(async () => {
    const { createS3Client, openSdkBucket } = await import('../repository/stores/s3-store.ts');
    const client = createS3Client();
    return (name: string): SdkBucket => openSdkBucket(client, name);
  });
  const connect = async (name: string): Promise<ObjectStore> => {
    const open = async (): Promise<SdkBucket> => (await importSdk())(name);
    const plain = findPlainBucket(name);
    if (plain) return createSignedS3Store(plain, name, open);
    if (isNeeded) return (await open()).store;
    const opened = once(open);
    return createDeferredStore(`s3://${name}`, async () => (await opened()).store);
  };
  return { models: await connect(modelsBucket), data: await connect(dataBucket) };
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

/** Facts in which functions differ. */
interface FunctionOptions {
  /** True if a caller waits for each answer: requests are reported behind it, wherever no report is lost so. */
  readonly isAwaited?: boolean;
}

/** The init of a function: connects S3 and Powertools, and loads the models of `PRELOAD_MODELS`. */
export const startFunction = async ({
  isAwaited = false,
}: FunctionOptions = {}): Promise<{
  readonly serving: Serving;
  readonly background: LambdaBackground;
  readonly config: Config;
}> => {
  const config = readConfig();
  const { modelCacheDirectory: directory, memoryMb, routingTtlMs, functionName } = config;
  const diskBudgetBytes = openCacheDirectory(directory, config.modelTmpShare);
  let endedMs = 0;
  const initMs = (): number => endedMs;
  const { models, data } = await connectBuckets(config);
  const background = await startBackground(config.runtimeApi);
  const collector = await findCollector(config, background);
  const { later, now: reportNow } = createLater(background);
  const serving = createServing({
    models,
    data,
    embedded: config.embedded,
    references: config.references,
    clients: config.clients,
    telemetry: createTelemetry({ memoryMb, directory, initMs }, collector),
    figures: { functionName, initMs },
    background,
    later: isAwaited && background.isKept ? later : undefined,
    only: config.models,
    elsewhere: config.elsewhere,
    trustedKeys: parseTrustedKeys(config.trustedKeys),
    withdrawn: config.withdrawn,
    directory,
    memoryMb,
    memoryBudgetBytes: memoryMb * BYTES_PER_LAMBDA_MB * config.modelMemoryShare,
    diskBudgetBytes,
    routingTtlMs,
  });
  // Lambda gives the process half a second to end.
  process.once('SIGTERM', () => {
    reportNow();
    Promise.all([serving.end(), collector?.flush()]).finally(() => process.exit());
  });
  process.once('exit', reportNow);
  await preload(serving, config.preloadModels, config.initBudgetMs);
  endedMs = performance.now(); // since the start of the process
  return { serving, background, config };
};
