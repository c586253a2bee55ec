import { ServingError } from './errors.ts';

/** What a function reads from its environment; the only place that knows the variables' names. */
export interface Config {
  readonly modelsBucket: string;
  readonly dataBucket: string;
  /** Names of the models to load during init. */
  readonly preloadModels: readonly string[];
  /** Directory for model files; on Lambda only `/tmp` is writable. */
  readonly modelCacheDirectory: string;
  /** Memory of the function in MB, from which follow its CPU share and thread count. */
  readonly memoryMb: number;
  /** Host and port of Lambda's runtime API; undefined anywhere else. */
  readonly runtimeApi: string | undefined;
  /** How long a warm function answers with the routing it knows before it asks again. */
  readonly routingTtlMs: number;
  /** How long init may take: Lambda allows 10 s, and 15 minutes with provisioned concurrency. */
  readonly initBudgetMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Lambda stops an init after 10 s and starts it again within the first invocation: end a second before. */
const INIT_BUDGET_MS = 9_000;

/** @throws `INTERNAL` naming the variable that is missing or wrong. */
export const readConfig = (environment: Environment = process.env): Config => {
  const required = (name: string): string => {
    const value = environment[name];
    if (!value) throw new ServingError('INTERNAL', `environment variable ${name} is not set; serverless.yml sets it`);
    return value;
  };
  const memoryMb = Number(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 1_769);
  if (!(memoryMb > 0))
    throw new ServingError('INTERNAL', `AWS_LAMBDA_FUNCTION_MEMORY_SIZE is ${memoryMb}, expected MB`);
  const routingTtlSeconds = Number(environment.ROUTING_TTL_SECONDS ?? 30);
  if (!(routingTtlSeconds >= 0))
    throw new ServingError('INTERNAL', `ROUTING_TTL_SECONDS is ${environment.ROUTING_TTL_SECONDS}, expected seconds`);
  return {
    runtimeApi: environment.AWS_LAMBDA_RUNTIME_API,
    routingTtlMs: routingTtlSeconds * 1000,
    modelsBucket: required('MODELS_BUCKET'),
    dataBucket: required('DATA_BUCKET'),
    preloadModels: (environment.PRELOAD_MODELS ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    modelCacheDirectory: environment.MODEL_CACHE_DIR ?? '/tmp/models',
    memoryMb,
    initBudgetMs:
      environment.AWS_LAMBDA_INITIALIZATION_TYPE === 'provisioned-concurrency'
        ? Number.POSITIVE_INFINITY
        : INIT_BUDGET_MS,
  };
};

/** onnxruntime reports usage unless this is set before its library is loaded. */
export const disableRuntimeTelemetry = (): void => {
  process.env.ORT_DISABLE_TELEMETRY = '1';
};
