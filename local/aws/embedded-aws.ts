import { mkdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_REGION, LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { isObject } from '../../src/core/is-object.ts';
import { createCors } from '../gateway/cors.ts';
import { sendAnswer } from '../gateway/http-answer.ts';
import { createLocalServer, listenLocally } from '../listen-locally.ts';
import type { CorsSettings } from '../service/service.ts';
import { Blobs } from './blobs.ts';
import { isSignedHere } from './presigned.ts';
import { bucketOf, createS3Api } from './s3-api.ts';
import { type S3Notification, toS3Event } from './s3-notification.ts';
import { S3Objects } from './s3-objects.ts';
import { S3Uploads } from './s3-uploads.ts';
import { createSqsApi, isSqsRequest } from './sqs-api.ts';
import { type QueueSettings, SqsQueues } from './sqs-queues.ts';
import { isStatesRequest, type ListKeys, type StatesApi } from './states-api.ts';

export interface EmbeddedAwsOptions {
  /** Keeps everything; made when it does not exist. A second process that wants it is refused. */
  readonly directory: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Made when they do not exist. */
  readonly buckets: readonly string[];
  readonly queues?: readonly QueueSettings[];
  /** Their queues are among `queues`. */
  readonly notifications?: readonly S3Notification[];
  /** The pages of other origins that may read and write a bucket. */
  readonly corsOf?: (bucket: string) => CorsSettings | undefined;
  /** Answers the requests of Step Functions, given a way to list keys. */
  readonly states?: (listKeys: ListKeys) => StatesApi;
}

export interface EmbeddedAws {
  /** The address of S3 (path-style) and of SQS, for `AWS_ENDPOINT_URL`. Any credentials will do. */
  readonly endpoint: string;
  queueUrl(name: string): string;
  stop(): Promise<void>;
}

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Another process keeps its state in the directory. */
export class DirectoryInUseError extends Error {}

const openDatabase = (directory: string): DatabaseSync => {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, 'embedded.sqlite'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    return database;
  } catch (error) {
    database.close();
    if (!isObject(error) || error.errcode !== SQLITE_BUSY) throw error;
    throw new DirectoryInUseError(`${directory} is in use by another process: end that one first`, { cause: error });
  }
};

/** S3 and SQS on a loopback port, for `npm start` and for tests, with state that survives a restart. @throws when the port is taken; `DirectoryInUseError` */
export const startEmbeddedAws = async (options: EmbeddedAwsOptions): Promise<EmbeddedAws> => {
  const {
    directory,
    port = 0,
    buckets,
    queues: settings = [],
    notifications = [],
    corsOf: ofBucket = () => undefined,
    states,
  } = options;
  const database = openDatabase(directory);
  const blobs = new Blobs(join(directory, 'blobs'));
  const objects = new S3Objects(database, blobs);
  const uploads = new S3Uploads(database, blobs, objects);
  const queues = new SqsQueues(database);
  for (const bucket of buckets) objects.createBucket(bucket);

  const answerS3 = createS3Api(objects, uploads, (object, how) => {
    for (const { bucket, prefix, queue } of notifications)
      if (bucket === object.bucket && object.key.startsWith(prefix))
        queues.send(queue, toS3Event(object, how, DEFAULT_REGION));
  });
  const answerSqs = createSqsApi(queues, settings);
  const answerStates = states?.((bucket, prefix) => {
    const everything = { prefix, delimiter: '', after: '', limit: Number.POSITIVE_INFINITY };
    return objects.list(bucket, everything).objects.map(({ key }) => key);
  });
  // Without a signature, S3 would refuse the page of another origin, too.
  const corsOf = (request: IncomingMessage) =>
    createCors(isSignedHere(request) ? ofBucket(bucketOf(request)) : undefined);
  const server = createLocalServer(
    (request, response) => {
      const { preflight, headersOf } = corsOf(request);
      const asked = preflight(request);
      if (asked) return sendAnswer(request, response, { ...asked, body: '' });
      for (const [name, value] of headersOf(request)) response.setHeader(name, value);
      const ofStates = isStatesRequest(request) ? answerStates : undefined;
      const answer = ofStates ?? (isSqsRequest(request) ? answerSqs : answerS3);
      // What is left to go wrong is a client that went away in the middle of an answer.
      answer(request, response).catch(() => response.destroy());
    },
    (request) => corsOf(request).originsOf(request),
  );

  try {
    const { endpoint, stop } = await listenLocally(server, port);
    return {
      endpoint,
      queueUrl: (name) => `${endpoint}/${LOCAL_ACCOUNT}/${name}`,
      stop: async () => {
        await stop();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
};
