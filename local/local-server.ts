import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../src/core/message-of.ts';
import { DirectoryInUseError, type EmbeddedAws, startEmbeddedAws } from './aws/embedded-aws.ts';
import { createStatesApi, type StatesOptions } from './aws/states-api.ts';
import { embedLocally } from './embedded-models.ts';
import type { EventAddresses, ServedEvent, StartEvents } from './events/event-kind.ts';
import { readEvents } from './events/event-kinds.ts';
import { withPage } from './gateway/cors.ts';
import { listenNear } from './listen-near.ts';
import { ENDPOINT_FILE, type LocalEndpoint, parseEndpoint } from './local-endpoint.ts';
import { createLocalFunctions, type LocalScaling } from './local-functions.ts';
import { type MetricsServer, startMetricsServer } from './metrics/metrics-server.ts';
import { monitorPage } from './metrics/monitor-page.ts';
import { pushSamples } from './samples.ts';
import { systemClock } from './schedule/clock.ts';
import { readService, type Service } from './service/service.ts';

export interface LocalServerOptions {
  /** Keeps buckets and queues over a restart. A second server that wants it is refused. */
  readonly directory: string;
  /** The port of the HTTP API; S3 and SQS, metrics and function URLs take the next ones, or any that are free. 0 takes any free ones. */
  readonly port: number;
  /** Receives each line that a function logs, and what went wrong around it. */
  readonly onLine: (line: string) => void;
  /** Holds serverless.yml, and the sample models in `models/`. */
  readonly project?: string;
  /** Stage parameters of serverless.yml that are not to have their default. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Processes of each function: one, which is never ended, unless it is given. */
  readonly scaling?: LocalScaling;
  /** The functions whose processes start at once; default: all, which tells of each that does not start. Others start with their first event. */
  readonly atOnce?: readonly string[];
}

export interface LocalServer extends LocalEndpoint {
  readonly served: readonly ServedEvent[];
  stop(): Promise<void>;
}

interface Part {
  stop(): Promise<void>;
}

const BUCKETS = { modelsBucket: 'models', dataBucket: 'data' };
/** The function to which the state machine hands the chunks of a run. */
const BULK_FUNCTION = 'bulk';
const PROJECT = join(import.meta.dirname, '..');

/** @throws Error that names the file and the place in it */
const readProject = (
  project: string,
  parameters: Readonly<Record<string, string>>,
): { readonly service: Service; readonly starts: readonly StartEvents[] } => {
  const path = join(project, 'serverless.yml');
  try {
    const names = { ModelsBucket: BUCKETS.modelsBucket, DataBucket: BUCKETS.dataBucket };
    const service = readService(path, { names, parameters });
    return { service, starts: readEvents(service) };
  } catch (error) {
    throw new Error(`${basename(path)}: ${messageOf(error)}`, { cause: error });
  }
};

const startNear = <T extends { readonly endpoint: string }>(
  { port, onLine }: LocalServerOptions,
  distance: number,
  name: string,
  start: (port: number) => Promise<T>,
): Promise<T> =>
  listenNear(port, distance, start, (near, { endpoint }) =>
    onLine(`Port ${near} is in use: ${name} on ${endpoint} instead`),
  );

const startAws = (
  options: LocalServerOptions,
  { queues, notifications, cors }: Service,
  states: StatesOptions,
  pageAddress: () => string,
): Promise<EmbeddedAws> => {
  const directory = join(options.directory, 'aws');
  const buckets = Object.values(BUCKETS);
  const corsOf = (bucket: string) => withPage(cors.buckets[bucket], pageAddress());
  const settings = { directory, buckets, queues, notifications, corsOf, states: createStatesApi(states) };
  return startNear(options, 1, 'S3 and SQS are', (port) => startEmbeddedAws({ ...settings, port }));
};

const startMetrics = (options: LocalServerOptions, { endpoint: s3Endpoint }: EmbeddedAws): Promise<MetricsServer> =>
  startNear(options, 2, 'metrics are', (port) =>
    startMetricsServer(port, () => monitorPage({ s3Endpoint, ...BUCKETS })),
  );

/** Names the server that uses the directory, once that one has written down its address. */
const nameOwner = async (endpointFile: string, error: unknown): Promise<unknown> => {
  if (!(error instanceof DirectoryInUseError)) return error;
  try {
    const { endpoint, pid } = parseEndpoint(await readFile(endpointFile, 'utf8'));
    return new Error(`already serving on ${endpoint} (pid ${pid})`, { cause: error });
  } catch {
    return error; // not written yet, or by another release
  }
};

/**
 * Everything that `sls deploy` makes of serverless.yml, on this machine.
 * @throws Error when serverless.yml is wrong, or a port or the directory is taken
 */
export const startLocalServer = async (options: LocalServerOptions): Promise<LocalServer> => {
  const { directory, port, onLine, project = PROJECT, parameters = {}, scaling = {}, atOnce } = options;
  const { service, starts } = readProject(project, parameters);
  const endpointFile = join(directory, ENDPOINT_FILE);
  const parts: Part[] = [];
  const keep = <T extends Part>(part: T): T => {
    parts.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    // The last part first: functions still write into S3 when they end.
    for (const part of parts.toReversed()) await part.stop();
  };

  try {
    let invoke: StatesOptions['invoke'] = () => Promise.reject(new Error('the functions are not there yet'));
    const states: StatesOptions = {
      invoke: (event) => invoke(event),
      onFailure: (error) => onLine(`${BULK_FUNCTION}: ${error}`),
    };
    let addresses: EventAddresses = { endpoint: '', functionUrls: {} };
    const aws = keep(await startAws(options, service, states, () => addresses.endpoint));
    // A server that was killed left its address; a new environment has an empty /tmp.
    await rm(endpointFile, { force: true });
    await rm(join(directory, 'tmp'), { recursive: true, force: true });
    const metrics = keep(await startMetrics(options, aws));
    const onLogged = (line: string): void => {
      metrics.read(line);
      onLine(line);
    };
    const settings = { directory, parameters, onLine: onLogged, aws, scaling, atOnce };
    const functions = keep(createLocalFunctions(service.functions, settings));
    ({ invoke } = functions.invocable(BULK_FUNCTION));
    const onFailure = (name: string, error: unknown): void => onLine(`${name}: ${error}`);
    const surroundings = { aws, port, clock: systemClock, invocable: functions.invocable, onFailure };
    const served: ServedEvent[] = [];
    for (const start of starts) {
      const started = keep(await start({ ...surroundings, addresses }));
      addresses = { ...addresses, ...started.addresses };
      served.push(...started.served);
    }

    const endpoints = { ...addresses, s3Endpoint: aws.endpoint, metricsEndpoint: metrics.endpoint };
    const running = { ...endpoints, ...BUCKETS, fleet: service.fleet, pid: process.pid };
    await writeFile(endpointFile, JSON.stringify(running, undefined, 2));
    keep({ stop: () => rm(endpointFile, { force: true }) });
    const modelsPlace = { s3Endpoint: aws.endpoint, bucket: BUCKETS.modelsBucket, onLine };
    await pushSamples({ ...modelsPlace, folder: join(project, 'models') });
    await embedLocally({ ...modelsPlace, functions: service.functions, directory });
    await functions.init(addresses);
    return { ...running, served, stop };
  } catch (error) {
    await stop();
    throw await nameOwner(endpointFile, error);
  }
};
