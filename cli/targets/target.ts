import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import * as v from 'valibot';
import { DEFAULT_REGION, LOCAL_ACCOUNT, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { ServingError } from '../../src/core/errors.ts';
import { DEFAULT_FUNCTION } from '../../src/deployment/fleet.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { quoteWord } from '../output/quote-word.ts';
import { type Send, sendPlain, sendSigned } from './send.ts';
import { serveDirectory } from './serve-directory.ts';
import { DEAD_LETTER_QUEUE, type Deployment, readServiceName, readStack } from './stack.ts';
import { TIMEOUTS } from './timeouts.ts';

/** The local server has one, which it does not look up. */
const LOCAL_STATE_MACHINE = `arn:aws:states:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:stateMachine:bulk`;

/** A key of the API, for stages with `auth: key`. An argument would stand in the shell's history. */
const KEY = process.env.ONNX_SERVERLESS_KEY || undefined;

/** The buckets of a stage, or of the local server. */
export interface Buckets {
  readonly client: S3Client;
  readonly names: readonly string[];
}

/** The queue of the uploads that could not be answered, and the client's settings that reach it. */
export interface DeadLetterQueue {
  readonly url: string;
  readonly clientConfig: Pick<S3ClientConfig, 'endpoint' | 'region' | 'credentials'>;
}

/** The state machine that hands out the chunks of runs. */
export interface StateMachine {
  readonly arn: string;
  readonly dataBucket: string;
  readonly clientConfig: DeadLetterQueue['clientConfig'];
}

/** The deployment, local server or directory on which a command acts. */
export interface Target {
  /** For messages, such as `stage dev (stack onnx-serverless-dev in us-east-1)`. */
  readonly description: string;
  /** The options that name it, to be repeated in a command that is suggested. */
  readonly options: string;
  readonly repository: ModelRepository<UploadingStore>;
  /** Holds `uploads/`, for inputs that do not fit into a request. */
  readonly data: UploadingStore;
  readonly send: Send;
  /** Undefined for a directory. */
  readonly buckets: Buckets | undefined;
  /** Undefined for a directory, and for a stack that names none. */
  readonly deadLetters: DeadLetterQueue | undefined;
  /** Undefined for a directory, and for a stack that names none. */
  readonly states: StateMachine | undefined;
  /** The function that answers the requests for a model; undefined for a directory. */
  readonly functionOf: ((model: string) => string) | undefined;
  /** To be called at the end. */
  close(): Promise<void>;
}

/** The options that name a target. */
export interface TargetOptions {
  readonly stage?: string | undefined;
  readonly region?: string | undefined;
  readonly store?: string | undefined;
}

export interface TargetUse {
  /** The command writes a directory that does not exist yet; any other one would only find it empty. */
  readonly mayCreate?: boolean;
}

const deploymentTarget = (
  deployment: Deployment,
  clientConfig: S3ClientConfig,
  rest: Pick<Target, 'description' | 'options' | 'send'>,
): Target => {
  const client = new S3Client({
    ...clientConfig,
    requestHandler: TIMEOUTS,
    maxAttempts: 1, // the store tries again
    // Every file of a model has its sha256.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const { modelsBucket, dataBucket, deadLetterQueueUrl: url, bulkStateMachineArn: arn, fleet = {} } = deployment;
  return {
    ...rest,
    repository: createModelRepository(createS3UploadStore(client, modelsBucket, COMMAND_PATIENCE)),
    data: createS3UploadStore(client, dataBucket, COMMAND_PATIENCE),
    buckets: { client, names: [modelsBucket, dataBucket] },
    deadLetters: url === undefined ? undefined : { url, clientConfig },
    states: arn === undefined ? undefined : { arn, dataBucket, clientConfig },
    functionOf: (model) => fleet[model] ?? DEFAULT_FUNCTION,
    close: async () => client.destroy(),
  };
};

const stageTarget = async (stage: string, givenRegion: string | undefined, projectDirectory: string) => {
  const region = givenRegion ?? process.env.AWS_REGION ?? DEFAULT_REGION;
  const stackName = `${await readServiceName(projectDirectory)}-${stage}`;
  const deployment = await readStack(stackName, stage, region);
  return deploymentTarget(
    deployment,
    { region },
    {
      description: `stage ${stage} (stack ${stackName} in ${region})`,
      options: ` --stage ${stage}${givenRegion === undefined ? '' : ` --region ${givenRegion}`}`,
      send: KEY === undefined ? sendSigned(deployment.endpoint, region) : sendPlain(deployment.endpoint, KEY),
    },
  );
};

const directoryTarget = async (directory: string, { mayCreate = false }: TargetUse): Promise<Target> => {
  const options = ` --store ${quoteWord(directory)}`;
  const found = await stat(directory).catch(() => undefined);
  if (found && !found.isDirectory())
    throw new ServingError('INVALID_REQUEST', `--store ${directory} is a file, expected a directory`);
  if (!found && !mayCreate)
    throw new ServingError(
      'NOT_FOUND',
      `there is no directory ${directory}; a push makes it: npx onnx-serverless push <file|folder>${options}`,
    );
  const serving = serveDirectory(createDirectoryStore(directory));
  return {
    description: `directory ${directory}`,
    options,
    buckets: undefined,
    deadLetters: undefined,
    states: undefined,
    functionOf: undefined,
    ...serving,
  };
};

const localServerSchema = v.object({
  endpoint: v.string(),
  modelsBucket: v.string(),
  dataBucket: v.string(),
  s3Endpoint: v.string(),
  fleet: v.optional(v.record(v.string(), v.string()), {}),
});

/** The local server as it describes itself in a file, when it answers. @throws `NOT_FOUND` */
const readLocalServer = async (projectDirectory: string): Promise<v.InferOutput<typeof localServerSchema>> => {
  try {
    const text = await readFile(join(projectDirectory, '.local', 'endpoint.json'), 'utf8');
    const server = v.parse(localServerSchema, JSON.parse(text));
    await fetch(server.s3Endpoint, { signal: AbortSignal.timeout(TIMEOUTS.connectionTimeout) });
    return server;
  } catch (error) {
    throw new ServingError(
      'NOT_FOUND',
      'the local server is not running: start it with npm start, or name a deployed stage with --stage <stage> or a directory with --store <directory>',
      { cause: error },
    );
  }
};

const localTarget = async (projectDirectory: string): Promise<Target> => {
  const { s3Endpoint, ...deployment } = await readLocalServer(projectDirectory);
  const deadLetterQueueUrl = new URL(`${LOCAL_ACCOUNT}/${DEAD_LETTER_QUEUE}`, s3Endpoint).href;
  return deploymentTarget(
    { ...deployment, deadLetterQueueUrl, bulkStateMachineArn: LOCAL_STATE_MACHINE },
    { endpoint: s3Endpoint, forcePathStyle: true, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS },
    { description: `local server at ${deployment.endpoint}`, options: '', send: sendPlain(deployment.endpoint, KEY) },
  );
};

/**
 * The one target that `options` name: a stage, a directory, or else the local server.
 * @param projectDirectory holds serverless.yml, and what the local server writes
 * @throws `NOT_FOUND` when it is not there, saying how to make it; `INVALID_REQUEST` when two are named
 */
export const findTarget = async (
  options: TargetOptions,
  projectDirectory: string,
  use: TargetUse = {},
): Promise<Target> => {
  const { stage, region, store } = options;
  if (store !== undefined) {
    if (stage !== undefined || region !== undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        '--store names a directory, --stage and --region what is deployed: not both',
      );
    return directoryTarget(store, use);
  }
  if (stage !== undefined) return stageTarget(stage, region, projectDirectory);
  if (region !== undefined)
    throw new ServingError('INVALID_REQUEST', '--region needs --stage, which names what is deployed there');
  return localTarget(projectDirectory);
};
