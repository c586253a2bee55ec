import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { isObject } from '../../src/core/is-object.ts';
import { assertCollector } from '../../src/deployment/assert-collector.ts';
import { assertParameters } from '../../src/deployment/assert-parameters.ts';
import { parseCapacity } from '../../src/deployment/capacity.ts';
import { addFleet, type FleetService, functionsOf } from '../../src/deployment/fleet-parts.ts';
import type { S3Notification } from '../aws/s3-notification.ts';
import type { QueueSettings } from '../aws/sqs-queues.ts';
import { type Cors, type Resource, type ServiceFile, serviceFileSchema } from './service-file.ts';
import { defaultParameters, parameterNames, resolveVariables, type VariableOptions } from './variables.ts';

/** The part of a serverless.yml that runs on this machine. */
export interface Service {
  readonly functions: readonly ServiceFunction[];
  readonly events: readonly DeclaredEvent[];
  readonly queues: readonly QueueSettings[];
  readonly notifications: readonly S3Notification[];
  /** Functions of models that the default one does not serve. */
  readonly fleet: Readonly<Record<string, string>>;
  /** Authorizers of the HTTP API, by name. */
  readonly authorizers: Readonly<Record<string, LambdaAuthorizer | { readonly type: 'jwt' }>>;
  /** The pages of other origins that may call; none may call what is left out. */
  readonly cors: ServiceCors;
}

/** The logical id of the HTTP API, to which a reference has become this name. */
export const HTTP_API_ID = 'HttpApi';

interface ServiceCors {
  readonly httpApi?: CorsSettings | undefined;
  /** By the functions' names. */
  readonly urls: Readonly<Record<string, CorsSettings>>;
  /** By the names of the buckets. */
  readonly buckets: Readonly<Record<string, CorsSettings>>;
}

/** Pages of other origins, and what they may send and read. */
export interface CorsSettings {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds: number;
}

/** A function that decides who is let in. */
export interface LambdaAuthorizer {
  readonly type: 'request';
  readonly functionName: string;
  /** Lower-case names. */
  readonly identityHeaders: readonly string[];
}

export interface ServiceFunction {
  readonly name: string;
  readonly modulePath: string;
  readonly handlerName: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** An event of a function. `url`, a setting of its own in serverless.yml, counts as one. */
export interface DeclaredEvent {
  readonly functionName: string;
  readonly kind: string;
  /** Its settings in the file, for its kind to read. */
  readonly value: unknown;
}

const DEFAULT_TIMEOUT_SECONDS = 6;
const DEFAULT_MEMORY_MB = 1024;
const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30;
const EXTENSIONS = ['.ts', '.mts', '.mjs', '.js'];

type Settings = ServiceFile['functions'][string];

/** @throws Error when the module does not exist */
const findModule = (directory: string, name: string, handler: string) => {
  const at = handler.lastIndexOf('.');
  const file = handler.slice(0, at);
  const extension = EXTENSIONS.find((candidate) => existsSync(join(directory, file + candidate)));
  if (extension === undefined)
    throw new Error(`functions.${name}.handler: there is no ${EXTENSIONS.map((each) => file + each).join(' or ')}`);
  return { modulePath: join(directory, file + extension), handlerName: handler.slice(at + 1) };
};

const toFunction = (
  directory: string,
  provider: ServiceFile['provider'],
  name: string,
  settings: Settings,
): ServiceFunction => {
  const { reservedConcurrency } = settings;
  return {
    name,
    ...findModule(directory, name, settings.handler),
    memoryMb: settings.memorySize ?? provider.memorySize ?? DEFAULT_MEMORY_MB,
    timeoutSeconds: settings.timeout ?? provider.timeout ?? DEFAULT_TIMEOUT_SECONDS,
    ...(typeof reservedConcurrency === 'number' && { reservedConcurrency }),
    environment: { ...provider.environment, ...settings.environment },
  };
};

const toEvents = (functionName: string, { events, url }: Settings): DeclaredEvent[] => [
  ...events.map((event) => ({ functionName, ...event })),
  ...(url === undefined || url === null || url === false ? [] : [{ functionName, kind: 'url', value: url }]),
];

const toQueue = (name: string, { Properties = {} }: Resource): QueueSettings => {
  const { VisibilityTimeout, RedrivePolicy: policy } = Properties ?? {};
  return {
    name,
    visibilityTimeoutSeconds: VisibilityTimeout ?? DEFAULT_VISIBILITY_TIMEOUT_SECONDS,
    ...(policy && {
      redrive: { deadLetterQueue: policy.deadLetterTargetArn, maxReceiveCount: policy.maxReceiveCount },
    }),
  };
};

const toNotifications = (bucket: string, { Properties }: Resource): S3Notification[] =>
  (Properties?.NotificationConfiguration?.QueueConfigurations ?? []).map(({ Queue, Filter }) => ({
    bucket,
    prefix: Filter?.S3Key.Rules.find(({ Name }) => Name.toLowerCase() === 'prefix')?.Value ?? '',
    queue: Queue,
  }));

const toAuthorizers = ({ httpApi }: ServiceFile['provider']): Service['authorizers'] =>
  Object.fromEntries(
    Object.entries(httpApi?.authorizers ?? {}).map(([name, settings]) => {
      if (settings.type === 'jwt') return [name, settings];
      const { type, functionName, identitySource } = settings;
      return [name, { type, functionName, identityHeaders: identitySource }];
    }),
  );

const isFleetService = (root: unknown): root is FleetService =>
  isObject(root) &&
  [root.provider, root.custom, root.functions, root.resources].every(isObject) &&
  isObject(root.custom) &&
  'fleet' in root.custom;

/** Does what the plugins of osls do with the parameters. @throws Error naming the parameter */
const applyParameters = (root: unknown): Service['fleet'] => {
  // Every process is warm here, but what would end a deployment is said here, too.
  const custom = isObject(root) && isObject(root.custom) ? root.custom : {};
  if ('capacity' in custom) parseCapacity(custom.capacity);
  assertCollector(custom.collector);
  return isFleetService(root) ? functionsOf(addFleet(root)) : {};
};

const toCorsSettings = ({ AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders, MaxAge }: Cors): CorsSettings => ({
  origins: AllowOrigins.filter((origin) => origin !== ''),
  methods: AllowMethods,
  headers: AllowHeaders,
  exposedHeaders: ExposeHeaders,
  maxAgeSeconds: MaxAge,
});

/** The logical id that osls gives the URL of a function. */
const urlIdOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunctionUrl`;

const toBucketCors = ({ resources }: ServiceFile, names: VariableOptions['names']): ServiceCors['buckets'] =>
  Object.fromEntries(
    Object.entries(resources?.Resources ?? {}).flatMap(([id, { Properties }]) => {
      const [rule] = Properties?.CorsConfiguration?.CorsRules ?? [];
      if (rule === undefined) return [];
      const { AllowedOrigins, AllowedMethods, AllowedHeaders, ExposedHeaders, MaxAge } = rule;
      const asOfApi = { AllowOrigins: AllowedOrigins, AllowMethods: AllowedMethods, AllowHeaders: AllowedHeaders };
      return [[names[id] ?? id, toCorsSettings({ ...asOfApi, ExposeHeaders: ExposedHeaders, MaxAge })] as const];
    }),
  );

const toCors = (file: ServiceFile, names: VariableOptions['names']): ServiceCors => {
  const { functions, resources } = file;
  const extensions = resources?.extensions ?? {};
  const api = extensions[HTTP_API_ID]?.Properties.CorsConfiguration;
  const urls = Object.keys(functions).flatMap((name) => {
    const cors = extensions[urlIdOf(name)]?.Properties.Cors;
    return cors === undefined ? [] : [[name, toCorsSettings(cors)] as const];
  });
  return {
    httpApi: api && toCorsSettings(api),
    urls: Object.fromEntries(urls),
    buckets: toBucketCors(file, names),
  };
};

/** @throws Error naming the place in the file */
const parseFile = (
  path: string,
  { parameters, names }: VariableOptions,
): { readonly file: ServiceFile; readonly fleet: Service['fleet'] } => {
  const text = readFileSync(path, 'utf8');
  const root = load(text);
  const known = parameterNames(text, root);
  const defaults = defaultParameters(root);
  assertParameters({ ...defaults, ...parameters }, known);
  const resolved = resolveVariables(root, { parameters, names });
  // A reference has become a name by now.
  const texts = Object.entries(defaultParameters(resolved)).filter(([name]) => typeof defaults[name] === 'string');
  assertParameters({ ...defaults, ...Object.fromEntries(texts), ...parameters }, known);
  const fleet = applyParameters(resolved);
  const parsed = v.safeParse(serviceFileSchema, resolved);
  if (parsed.success) return { file: parsed.output, fleet };
  const [issue] = parsed.issues;
  throw new Error(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
};

/** Reads functions, events, queues and notifications from a serverless.yml. @throws Error that names the file and the place in it */
export const readService = (path: string, options: VariableOptions): Service => {
  const { file, fleet } = parseFile(path, options);
  const functions = Object.entries(file.functions);
  const resources = Object.entries(file.resources?.Resources ?? {});
  return {
    functions: functions.map(([name, settings]) => toFunction(dirname(path), file.provider, name, settings)),
    events: functions.flatMap(([name, settings]) => toEvents(name, settings)),
    queues: resources.filter(([, { Type }]) => Type === 'AWS::SQS::Queue').map(([id, queue]) => toQueue(id, queue)),
    authorizers: toAuthorizers(file.provider),
    fleet,
    cors: toCors(file, options.names),
    notifications: resources.flatMap(([id, bucket]) => toNotifications(options.names[id] ?? id, bucket)),
  };
};
