import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import type { S3Notification } from './aws/s3-notification.ts';
import type { QueueSettings } from './aws/sqs-queues.ts';

/** What runs locally of a serverless.yml. */
export interface Service {
  readonly functions: readonly ServiceFunction[];
  readonly queues: readonly QueueSettings[];
  readonly notifications: readonly S3Notification[];
}

export interface ServiceFunction {
  readonly name: string;
  readonly modulePath: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly isHttpApi: boolean;
  readonly eventSource: EventSourceSettings | undefined;
}

export interface EventSourceSettings {
  readonly queue: string;
  readonly batchSize: number;
  /** How long a batch waits to become full. */
  readonly windowSeconds: number;
}

/** The parts of serverless.yml that are read here, after its variables are resolved. */
interface ServerlessFile {
  readonly provider: { readonly memorySize?: number | string; readonly environment?: Record<string, string> };
  readonly functions: Readonly<
    Record<
      string,
      {
        readonly handler: string;
        readonly memorySize?: number | string;
        readonly timeout?: number;
        readonly environment?: Readonly<Record<string, string>>;
        readonly events: readonly {
          readonly httpApi?: unknown;
          readonly sqs?: { readonly arn: string; readonly batchSize?: number; readonly maximumBatchingWindow?: number };
        }[];
      }
    >
  >;
  readonly resources: { readonly Resources: Readonly<Record<string, Resource>> };
}

interface Resource {
  readonly Type: string;
  readonly Properties?: {
    readonly VisibilityTimeout?: number;
    readonly RedrivePolicy?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
    readonly NotificationConfiguration?: {
      readonly QueueConfigurations: readonly {
        readonly Queue: string;
        readonly Filter: { readonly S3Key: { readonly Rules: readonly { readonly Value: string }[] } };
      }[];
    };
  };
}

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const valueAt = (value: Json, path: readonly string[]): Json =>
  path.reduce((inner, name) => (isObject(inner) ? inner[name] : undefined), value);

/** `${source:name}` or `${source:name, default}` with no other variable inside. */
const VARIABLE = /\$\{(\w+):([^${},]*)(?:,\s*([^${}]*))?\}/;

/** Replaces variables, and each resource that is referred to by its own logical id, or by what `names` calls it. */
const resolve = (value: Json, root: JsonObject, names: Readonly<Record<string, string>>): Json => {
  const lookUp = (source: string, name: string): Json => {
    if (source === 'param') return valueAt(root, ['params', 'default', name]);
    if (source === 'self') return valueAt(root, name.split('.'));
    return source === 'sls' && name === 'stage' ? 'local' : process.env[name];
  };
  if (typeof value === 'string') {
    const [variable, source = '', name = '', fallback] = VARIABLE.exec(value) ?? [];
    if (variable === undefined) return value;
    const found = lookUp(source, name) ?? fallback?.replace(/^'(.*)'$/, '$1') ?? '';
    return resolve(variable === value ? found : value.replace(variable, () => String(found)), root, names);
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, root, names));
  if (!isObject(value)) return value;
  const { Ref: reference, 'Fn::GetAtt': attribute } = value;
  const id = typeof reference === 'string' ? reference : Array.isArray(attribute) ? String(attribute[0]) : undefined;
  if (id !== undefined) return names[id] ?? id;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, root, names)]));
};

const DEFAULT_TIMEOUT_SECONDS = 6;
const DEFAULT_MEMORY_MB = 1024;
const DEFAULT_BATCH_SIZE = 10;
const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30;

/** Reads functions, queues and notifications from a serverless.yml, with the default parameters. `names` gives buckets their names, by logical id. */
export const readService = (path: string, names: Readonly<Record<string, string>>): Service => {
  const root = load(readFileSync(path, 'utf8')) as JsonObject;
  const { provider, functions, resources } = resolve(root, root, names) as ServerlessFile;
  const toFunction = ([name, settings]: [string, ServerlessFile['functions'][string]]): ServiceFunction => {
    const sqs = settings.events.find((event) => event.sqs)?.sqs;
    return {
      name,
      modulePath: join(dirname(path), settings.handler.replace(/\.\w+$/, '.ts')),
      memoryMb: Number(settings.memorySize ?? provider.memorySize ?? DEFAULT_MEMORY_MB),
      timeoutSeconds: settings.timeout ?? DEFAULT_TIMEOUT_SECONDS,
      environment: { ...provider.environment, ...settings.environment },
      isHttpApi: settings.events.some((event) => 'httpApi' in event),
      eventSource: sqs && {
        queue: sqs.arn,
        batchSize: sqs.batchSize ?? DEFAULT_BATCH_SIZE,
        windowSeconds: sqs.maximumBatchingWindow ?? 0,
      },
    };
  };

  const toQueue = ([name, { Properties = {} }]: [string, Resource]): QueueSettings => {
    const { VisibilityTimeout = DEFAULT_VISIBILITY_TIMEOUT_SECONDS, RedrivePolicy: policy } = Properties;
    const redrive = policy && { deadLetterQueue: policy.deadLetterTargetArn, maxReceiveCount: policy.maxReceiveCount };
    return { name, visibilityTimeoutSeconds: VisibilityTimeout, ...(redrive && { redrive }) };
  };

  const toNotifications = ([id, { Properties = {} }]: [string, Resource]): S3Notification[] =>
    (Properties.NotificationConfiguration?.QueueConfigurations ?? []).map(({ Queue, Filter }) => ({
      bucket: names[id] ?? id,
      prefix: Filter.S3Key.Rules[0]?.Value ?? '',
      queue: Queue,
    }));

  const all = Object.entries(resources.Resources);
  return {
    functions: Object.entries(functions).map(toFunction),
    queues: all.filter(([, { Type }]) => Type === 'AWS::SQS::Queue').map(toQueue),
    notifications: all.flatMap(toNotifications),
  };
};
