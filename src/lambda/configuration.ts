import * as v from 'valibot';
import type { TokenIssuer } from '../access/identify-token.ts';
import { LAMBDA_INIT_MS, LAMBDA_MB_PER_VCPU, LAMBDA_PROVISIONED_INIT_MS } from '../core/aws-limits.ts';
import { COLLECTOR_ADDRESS, isCollectorAddress } from '../core/collector-address.ts';
import { ServingError } from '../core/errors.ts';
import { namesIn } from '../core/names-in.ts';
import { EMBED_ROUTINGS, type EmbeddedModels, type EmbedRouting } from '../repository/embedded-models.ts';
import type { References } from '../serving/serving.ts';
import { CLIENTS, type Clients } from '../tasks/client-defaults.ts';

const AUTHS = ['aws_iam', 'jwt', 'key', 'key_or_jwt', 'none'] as const;
export type Auth = (typeof AUTHS)[number];

/** The configuration of a function. Only this file knows the names of the environment variables. */
export interface Config {
  readonly modelsBucket: string;
  readonly dataBucket: string;
  readonly references: References;
  /** The clients whose shape an answer has unless its request says otherwise. */
  readonly clients: Clients;
  /** Names of the only models that the function serves; all when empty. */
  readonly models: readonly string[];
  /** The function of each model that another one serves. */
  readonly elsewhere: Readonly<Record<string, string>>;
  /** Names of the models to load during init. */
  readonly preloadModels: readonly string[];
  /** Models whose routed version travels with the function, in a layer. */
  readonly embedded: EmbeddedModels;
  /** Directory for model files; on Lambda only `/tmp` is writable. */
  readonly modelCacheDirectory: string;
  readonly functionName: string;
  /** Memory of the function in MB, from which follow its CPU share and thread count. */
  readonly memoryMb: number;
  /** Host and port of Lambda's runtime API; undefined anywhere else. */
  readonly runtimeApi: string | undefined;
  /** Time for which a warm function answers by the routing it knows before it asks again. */
  readonly routingTtlMs: number;
  /** Share of the memory, 0 to 1, that loaded models may take together. */
  readonly modelMemoryShare: number;
  /** Share of the file system of `modelCacheDirectory`, 0 to 1, that the files of models may take together. */
  readonly modelTmpShare: number;
  /** Ed25519 public keys in PEM, one of which has to have signed every model; none when empty. */
  readonly trustedKeys: string;
  /** Versions that the function never serves, as `<model>/<version>`. */
  readonly withdrawn: readonly string[];
  /** Receptions of an upload's message after which the queue moves it to the dead letters. */
  readonly uploadAttempts: number;
  /** Time that init may take, which is longer with provisioned concurrency. */
  readonly initBudgetMs: number;
  /** ARN of the topic that people subscribe to; empty where there is none. */
  readonly alarmTopic: string;
  /** The callers that are let in. With `aws_iam` and `none`, API Gateway decides alone. */
  readonly auth: Auth;
  /** The name of this service before the scopes of a token; empty for none. */
  readonly jwtScopePrefix: string;
  /** US dollars of a month beyond which callers are refused; 0 for no limit. */
  readonly maxMonthlyDollars: number;
  /** The URL that answers chunk by chunk; empty in the functions that do not tell of it. */
  readonly streamEndpoint: string;
  /** The host of the URLs of `POST /uploads`; empty in the functions that have no page. */
  readonly uploadHost: string;
  /** Bytes of a body above which a request becomes a job; 0 for none. */
  readonly jobBodyBytes: number;
  /** Names of the models whose requests become jobs. */
  readonly jobModels: readonly string[];
  /** Hosts that webhooks reach although their addresses are private, and over http, too. */
  readonly webhookHosts: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Init ends so long before Lambda would end it. */
const INIT_RESERVE_MS = 1_000;

const parseReferences = (text: string): References => {
  if (text === 'model' || text === 'all') return text;
  throw new ServingError('INTERNAL', `REFERENCES is ${text}, expected model or all`);
};

const parseClients = (text: string): Clients => {
  const clients = CLIENTS.find((known) => known === text);
  if (clients !== undefined) return clients;
  throw new ServingError('INTERNAL', `CLIENTS is ${text}, expected ${CLIENTS.join(' or ')}`);
};

const parseAuth = (text: string): Auth => {
  const auth = AUTHS.find((known) => known === text);
  if (auth !== undefined) return auth;
  throw new ServingError('INTERNAL', `API_AUTH is ${text}, expected ${AUTHS.join(', ')}`);
};

const parseEmbedRouting = (text: string): EmbedRouting => {
  const routing = EMBED_ROUTINGS.find((known) => known === text);
  if (routing !== undefined) return routing;
  throw new ServingError('INTERNAL', `EMBED_ROUTING is ${text}, expected ${EMBED_ROUTINGS.join(' or ')}`);
};

const fleetSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));
const parseFleet = (text: string): Readonly<Record<string, string>> => {
  const parsed = v.safeParse(fleetSchema, text);
  if (parsed.success) return parsed.output;
  throw new ServingError(
    'INTERNAL',
    `FLEET is ${text}, expected the functions of models as JSON, such as {"nllb": "big"}`,
  );
};

const parseDollars = (text: string): number => {
  const dollars = Number(text);
  if (dollars >= 0 && Number.isFinite(dollars)) return dollars;
  throw new ServingError('INTERNAL', `MAX_MONTHLY_DOLLARS is ${text}, expected dollars, or 0 for none`);
};

const parseJobBodyBytes = (text: string): number => {
  const bytes = Number(text);
  if (Number.isInteger(bytes) && bytes >= 0) return bytes;
  throw new ServingError('INTERNAL', `JOB_BODY_BYTES is ${text}, expected bytes, or 0 for none`);
};

/** A function that would serve a version by mistake must not start. */
const parseWithdrawn = (versions: readonly string[]): readonly string[] => {
  const wrong = versions.find((version) => !/^[^/]+\/[1-9][0-9]*$/.test(version));
  if (wrong === undefined) return versions;
  throw new ServingError('INTERNAL', `WITHDRAWN has ${wrong}, expected <model>/<version>, such as iris/3`);
};

const requiredIn =
  (environment: Environment) =>
  (name: string): string => {
    const value = environment[name];
    if (!value) throw new ServingError('INTERNAL', `environment variable ${name} is not set; serverless.yml sets it`);
    return value;
  };

/** The means by which a function identifies callers itself: keys in a bucket, and tokens of an issuer. */
export interface IdentifyConfig {
  /** Undefined where no keys are taken. */
  readonly keysBucket: string | undefined;
  readonly tokens: TokenIssuer | undefined;
}

/** @throws `INTERNAL` when a variable is missing */
export const readIdentifyConfig = (environment: Environment = process.env): IdentifyConfig => {
  const required = requiredIn(environment);
  const auth = parseAuth(environment.API_AUTH || 'key');
  const readTokens = (): TokenIssuer => ({
    ...{ issuer: required('JWT_ISSUER'), audience: required('JWT_AUDIENCE') },
    scopePrefix: environment.JWT_SCOPE_PREFIX ?? '',
  });
  return {
    keysBucket: auth === 'jwt' ? undefined : required('MODELS_BUCKET'),
    tokens: auth === 'jwt' || auth === 'key_or_jwt' ? readTokens() : undefined,
  };
};

/** A collector of OpenTelemetry. Its library reads the address and the headers from the environment, too. */
export interface CollectorConfig {
  readonly service: string;
  /** Time for one sending, with its repetitions. */
  readonly timeoutMs: number;
}

/** A collector that is silent keeps an environment from its next event so long, once a minute. */
const COLLECTOR_TIMEOUT_MS = 2_000;
const LONGEST_COLLECTOR_TIMEOUT_MS = 60_000;

/** Undefined when no collector is named. @throws `INTERNAL` naming the variable that is wrong */
export const readCollectorConfig = (environment: Environment = process.env): CollectorConfig | undefined => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '', OTEL_EXPORTER_OTLP_TIMEOUT: timeout } = environment;
  if (endpoint === '') return undefined;
  if (!isCollectorAddress(endpoint))
    throw new ServingError('INTERNAL', `OTEL_EXPORTER_OTLP_ENDPOINT is ${endpoint}, expected ${COLLECTOR_ADDRESS}`);
  const timeoutMs = Number(timeout || COLLECTOR_TIMEOUT_MS);
  if (!(timeoutMs >= 1 && timeoutMs <= LONGEST_COLLECTOR_TIMEOUT_MS))
    throw new ServingError(
      'INTERNAL',
      `OTEL_EXPORTER_OTLP_TIMEOUT is ${timeout}, expected milliseconds from 1 to ${LONGEST_COLLECTOR_TIMEOUT_MS}`,
    );
  return { service: environment.POWERTOOLS_SERVICE_NAME ?? 'onnx-serverless', timeoutMs };
};

/** The configuration of the function that delivers webhooks. @throws `INTERNAL` */
export const readWebhookConfig = (
  environment: Environment = process.env,
): Pick<Config, 'modelsBucket' | 'dataBucket' | 'webhookHosts'> => {
  const required = requiredIn(environment);
  return {
    modelsBucket: required('MODELS_BUCKET'),
    dataBucket: required('DATA_BUCKET'),
    webhookHosts: namesIn(environment.WEBHOOK_HOSTS),
  };
};

/** @throws `INTERNAL` naming the variable that is missing or wrong. */
export const readConfig = (environment: Environment = process.env): Config => {
  const share = (name: string, fallback: number): number => {
    const value = Number(environment[name] || fallback);
    if (value > 0 && value <= 1) return value;
    throw new ServingError('INTERNAL', `${name} is ${environment[name]}, expected a share above 0 and up to 1`);
  };
  const { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory, ROUTING_TTL_SECONDS: routingTtl } = environment;
  const memoryMb = Number(memory || LAMBDA_MB_PER_VCPU);
  if (!(memoryMb > 0 && Number.isFinite(memoryMb)))
    throw new ServingError('INTERNAL', `AWS_LAMBDA_FUNCTION_MEMORY_SIZE is ${memory}, expected MB`);
  const routingTtlSeconds = Number(routingTtl || 30);
  if (!(routingTtlSeconds >= 0 && Number.isFinite(routingTtlSeconds)))
    throw new ServingError('INTERNAL', `ROUTING_TTL_SECONDS is ${routingTtl}, expected seconds`);
  const uploadAttempts = Number(environment.UPLOAD_ATTEMPTS || 5);
  if (!(Number.isInteger(uploadAttempts) && uploadAttempts >= 1))
    throw new ServingError(
      'INTERNAL',
      `UPLOAD_ATTEMPTS is ${environment.UPLOAD_ATTEMPTS}, expected a whole number from 1`,
    );
  return {
    ...readWebhookConfig(environment),
    uploadAttempts,
    maxMonthlyDollars: parseDollars(environment.MAX_MONTHLY_DOLLARS || '0'),
    jobBodyBytes: parseJobBodyBytes(environment.JOB_BODY_BYTES || '0'),
    jobModels: namesIn(environment.JOB_MODELS),
    auth: parseAuth(environment.API_AUTH || 'aws_iam'),
    jwtScopePrefix: environment.JWT_SCOPE_PREFIX ?? '',
    alarmTopic: environment.ALARM_TOPIC ?? '',
    streamEndpoint: environment.STREAM_ENDPOINT ?? '',
    uploadHost: environment.UPLOAD_HOST ?? '',
    runtimeApi: environment.AWS_LAMBDA_RUNTIME_API,
    routingTtlMs: routingTtlSeconds * 1000,
    references: parseReferences(environment.REFERENCES || 'model'),
    clients: parseClients(environment.CLIENTS || 'python'),
    models: namesIn(environment.MODELS),
    elsewhere: parseFleet(environment.FLEET || '{}'),
    preloadModels: namesIn(environment.PRELOAD_MODELS),
    embedded: {
      names: namesIn(environment.EMBED_MODELS),
      routing: parseEmbedRouting(environment.EMBED_ROUTING || 'deployed'),
      directory: environment.EMBEDDED_DIR || '/opt',
    },
    modelCacheDirectory: environment.MODEL_CACHE_DIR || '/tmp/models',
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME ?? 'local',
    memoryMb,
    modelMemoryShare: share('MODEL_MEMORY_SHARE', 0.6),
    modelTmpShare: share('MODEL_TMP_SHARE', 0.9),
    trustedKeys: environment.TRUSTED_KEYS ?? '',
    withdrawn: parseWithdrawn(namesIn(environment.WITHDRAWN)),
    initBudgetMs:
      (environment.AWS_LAMBDA_INITIALIZATION_TYPE === 'provisioned-concurrency'
        ? LAMBDA_PROVISIONED_INIT_MS
        : LAMBDA_INIT_MS) - INIT_RESERVE_MS,
  };
};
