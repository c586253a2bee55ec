import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { pushModel } from '../src/authoring/push-model.ts';
import { createModelRepository } from '../src/repository/model-repository.ts';
import { createS3UploadStore } from '../src/repository/stores/s3-upload-store.ts';
import {
  DirectoryInUseError,
  type EmbeddedAws,
  LOCAL_CREDENTIALS,
  LOCAL_REGION,
  startEmbeddedAws,
} from './aws/embedded-aws.ts';
import { startEventSource } from './functions/event-source.ts';
import { createFunction, type FunctionProcess } from './functions/function-process.ts';
import { startHttpApi } from './gateway/http-api.ts';
import { readService, type Service, type ServiceFunction } from './service.ts';

export interface LocalServerOptions {
  /** Keeps buckets and queues over a restart. One server at a time may use it. */
  readonly directory: string;
  /** Of the HTTP API; S3 and SQS take the one after it, or any that is free. 0 takes any free ones. */
  readonly port: number;
  /** Receives each line that a function logs, and what went wrong around it. */
  readonly onLine: (line: string) => void;
}

/** What is written to `endpoint.json` in the directory, for as long as the server runs: the command line looks there. */
export interface LocalEndpoint {
  /** Of the HTTP API. */
  readonly endpoint: string;
  readonly s3Endpoint: string;
  readonly modelsBucket: string;
  readonly dataBucket: string;
  readonly pid: number;
}

export interface LocalServer extends LocalEndpoint {
  stop(): Promise<void>;
}

const BUCKETS = { modelsBucket: 'models', dataBucket: 'data' };
const SAMPLES = join(import.meta.dirname, '..', 'models');
const SERVICE_FILE = join(import.meta.dirname, '..', 'serverless.yml');

const isPortTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';

const startAws = async (
  { directory, port, onLine }: LocalServerOptions,
  { queues, notifications }: Service,
): Promise<EmbeddedAws> => {
  const options = { directory: join(directory, 'aws'), buckets: Object.values(BUCKETS), queues, notifications };
  const next = port === 0 ? 0 : (port + 1) % 65_536;
  try {
    return await startEmbeddedAws({ ...options, port: next });
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    const aws = await startEmbeddedAws(options);
    onLine(`Port ${next} is in use: S3 and SQS are on ${aws.endpoint} instead`);
    return aws;
  }
};

/** Which server it is that uses the directory, once that one has written it down. */
const nameOwner = async (endpointFile: string, error: unknown): Promise<unknown> => {
  if (!(error instanceof DirectoryInUseError)) return error;
  const text = await readFile(endpointFile, 'utf8').catch(() => undefined);
  if (text === undefined) return error;
  const { endpoint, pid } = JSON.parse(text) as LocalEndpoint;
  return new Error(`already serving on ${endpoint} (pid ${pid})`, { cause: error });
};

/** Pushes the sample models, so that a first start has something to serve. */
const pushSamples = async ({ endpoint }: EmbeddedAws, onLine: LocalServerOptions['onLine']): Promise<void> => {
  const client = new S3Client({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const repository = createModelRepository(createS3UploadStore(client, BUCKETS.modelsBucket));
    if ((await repository.names()).length > 0) return;
    for (const folder of (await readdir(SAMPLES)).sort()) {
      const { name, version, task } = await pushModel(repository, join(SAMPLES, folder));
      onLine(`Pushed ${name}, version ${version} (${task}), since there was no model yet`);
    }
  } finally {
    client.destroy();
  }
};

/** Everything that `sls deploy` makes of serverless.yml, on this machine. @throws when a port or the directory is taken. */
export const startLocalServer = async (options: LocalServerOptions): Promise<LocalServer> => {
  const { directory, port, onLine } = options;
  const service = readService(SERVICE_FILE, { ModelsBucket: BUCKETS.modelsBucket, DataBucket: BUCKETS.dataBucket });
  const endpointFile = join(directory, 'endpoint.json');
  const parts: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    parts.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(parts.map((part) => part.stop()));
  };

  const createProcess = (aws: EmbeddedAws, { name, environment, ...settings }: ServiceFunction): FunctionProcess => {
    const local = {
      AWS_ENDPOINT_URL: aws.endpoint,
      MODEL_CACHE_DIR: join(directory, 'tmp', name),
      ROUTING_TTL_SECONDS: '1', // nobody wants to wait half a minute for a promote here
    };
    return keep(createFunction({ ...settings, name, environment: { ...environment, ...local }, onLine }));
  };

  try {
    const aws = keep(await startAws(options, service));
    // What a server wrote that was killed.
    await rm(endpointFile, { force: true });
    // A new environment has an empty /tmp.
    await rm(join(directory, 'tmp'), { recursive: true, force: true });
    const functions = service.functions.map((settings) => ({ ...settings, process: createProcess(aws, settings) }));
    const api = functions.find(({ isHttpApi }) => isHttpApi);
    if (!api) throw new Error(`${SERVICE_FILE} gives no function an httpApi event`);
    // Whoever asks while the samples are being pushed waits for them.
    const ready = Promise.withResolvers<void>();
    const invoke: typeof api.process.invoke = async (event) => {
      await ready.promise;
      return api.process.invoke(event);
    };
    const { endpoint } = keep(await startHttpApi({ port, invoke }));

    const running: LocalEndpoint = { endpoint, s3Endpoint: aws.endpoint, ...BUCKETS, pid: process.pid };
    await writeFile(endpointFile, JSON.stringify(running, undefined, 2));
    keep({ stop: () => rm(endpointFile, { force: true }) });
    await pushSamples(aws, onLine);
    await Promise.all(functions.map((each) => each.process.init()));
    ready.resolve();
    for (const {
      name,
      eventSource,
      process: { invoke },
    } of functions) {
      const onFailure = (error: unknown): void => onLine(`${name}: ${error}`);
      if (eventSource) keep(startEventSource({ ...eventSource, aws, invoke, onFailure }));
    }
    return { ...running, stop };
  } catch (error) {
    await stop();
    throw await nameOwner(endpointFile, error);
  }
};
