import { join } from 'node:path';
import { isHeaderList } from '../src/core/collector-address.ts';
import { ServingError } from '../src/core/errors.ts';
import { messageOf } from '../src/core/message-of.ts';
import { readCollectorConfig } from '../src/lambda/configuration.ts';
import type { EmbeddedAws } from './aws/embedded-aws.ts';
import { EMBEDDED_FOLDER } from './embedded-models.ts';
import type { EventAddresses, EventSurroundings } from './events/event-kind.ts';
import { FunctionError } from './functions/function-error.ts';
import type { FunctionOptions } from './functions/function-options.ts';
import { createFunction, type FunctionProcess } from './functions/function-process.ts';
import type { ServiceFunction } from './service/service.ts';

/** The function whose URL the page reads streams from. */
const STREAM_FUNCTION = 'stream';

export interface LocalFunctionsOptions {
  /** Holds the functions' files. */
  readonly directory: string;
  /** The stage parameters that were given. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly aws: EmbeddedAws;
  readonly scaling: LocalScaling;
  /** The functions whose processes `init` starts; all when it is undefined. */
  readonly atOnce: readonly string[] | undefined;
}

/** The processes of each function, as Lambda starts and ends them. */
export type LocalScaling = Pick<FunctionOptions, 'environments' | 'idleMs'>;

export interface LocalFunctions {
  /** An event that comes before the end of `init` waits for that. */
  readonly invocable: EventSurroundings['invocable'];
  /** Starts the functions' processes, which know the URL of streams. @throws Error naming a function that does not start */
  init(addresses: Pick<EventAddresses, 'functionUrls'>): Promise<void>;
  stop(): Promise<void>;
}

/** Lists of headers that OpenTelemetry's library would pass over without a word when they are none. */
const HEADER_LISTS = ['', '_TRACES', '_METRICS'].map((signal) => `OTEL_EXPORTER_OTLP${signal}_HEADERS`);

/** Variables of OpenTelemetry: a collector of this machine gets what the functions tell. @throws `INTERNAL` naming one that is wrong */
const collectorVariables = (): Record<string, string> => {
  readCollectorConfig();
  const wrong = HEADER_LISTS.find((name) => !isHeaderList(process.env[name] ?? ''));
  // Headers are secrets: the message does not repeat them.
  if (wrong !== undefined) throw new ServingError('INTERNAL', `${wrong} has no pairs, expected <name>=<value>,…`);
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'));
  return Object.fromEntries(variables.flatMap(([name, value]) => (value ? [[name, value] as const] : [])));
};

const createLocalFunction = (
  { environment, ...settings }: ServiceFunction,
  { directory, parameters, onLine, aws, scaling }: LocalFunctionsOptions,
  { functionUrls }: Pick<EventAddresses, 'functionUrls'>,
): FunctionProcess => {
  const local = {
    AWS_ENDPOINT_URL: aws.endpoint,
    MODEL_CACHE_DIR: join(directory, 'tmp', settings.name),
    UPLOAD_HOST: new URL(aws.endpoint).host,
    STREAM_ENDPOINT: functionUrls[STREAM_FUNCTION] ?? '', // whatever `auth` is, nobody has to sign here
    ALARM_TOPIC: '', // no SNS here: the log tells of a rollback
    EMBEDDED_DIR: join(directory, EMBEDDED_FOLDER),
    // Nobody wants to wait half a minute for a promote here.
    ...(parameters.routingTtl === undefined && { ROUTING_TTL_SECONDS: '1' }),
  };
  return createFunction({
    ...settings,
    ...scaling,
    environment: { ...environment, ...collectorVariables(), ...local },
    onLine,
  });
};

/** All functions of the service. None has a process before `init`. */
export const createLocalFunctions = (
  functions: readonly ServiceFunction[],
  options: LocalFunctionsOptions,
): LocalFunctions => {
  const byName = new Map<string, FunctionProcess>();
  const ready = Promise.withResolvers<void>();
  // Whoever waits hears of an error. There may be nobody.
  ready.promise.catch(() => undefined);

  return {
    invocable: (name) => {
      const called = async (): Promise<FunctionProcess> => {
        await ready.promise;
        const found = byName.get(name);
        if (!found) throw new Error(`there is no function ${name}`);
        return found;
      };
      return {
        invoke: async (event, left) => (await called()).invoke(event, left),
        invokeStreaming: async (event, left) => (await called()).invokeStreaming(event, left),
      };
    },
    init: async (addresses) => {
      for (const each of functions) byName.set(each.name, createLocalFunction(each, options, addresses));
      const starting = [...byName]
        .filter(([name]) => options.atOnce?.includes(name) ?? true)
        .map(([name, { init }]) =>
          init().catch((error: unknown) => {
            throw new Error(`the function ${name} does not start: ${messageOf(error)}`, { cause: error });
          }),
        );
      await Promise.all(starting);
      ready.resolve();
    },
    stop: async () => {
      ready.reject(new FunctionError('Runtime.Stopped', 'the server was stopped'));
      await Promise.all([...byName.values()].map(({ stop }) => stop()));
    },
  };
};
