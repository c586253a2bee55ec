import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import {
  assertSize,
  missingObject,
  type ObjectHead,
  type ObjectStore,
  replacedObject,
  type StoredObject,
  type WriteOptions,
} from './object-store.ts';

/** Timeouts of one attempt: three attempts end well before the 29 s of an HTTP API. */
const CONNECTION_TIMEOUT_MS = 2_000;
const SILENCE_TIMEOUT_MS = 3_000;
const ATTEMPTS = 3;

/** A client for one process, shared by its stores. Region, credentials and endpoint come from the SDK's own environment variables. */
export const createS3Client = (endpoint?: string): S3Client =>
  new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: SILENCE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    // Every model file is checked against its sha256: the SDK's own checksums would read the bytes a second time.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });

const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
/** S3 answers 412 and, to two conditional writes at the same moment, 409. */
const CONFLICT = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

/** Translates an error of S3 about the object `key` of the store at `location`. */
export const toServingError = (error: unknown, location: string, key: string): ServingError => {
  if (error instanceof ServingError) return error;
  const name = error instanceof Error ? error.name : String(error);
  if (NOT_FOUND.has(name)) return missingObject(location, key, error);
  if (CONFLICT.has(name)) return replacedObject(location, key, error);
  const status = error instanceof S3ServiceException ? ` (${error.$metadata.httpStatusCode})` : '';
  const reason = messageOf(error);
  return new ServingError('MODEL_UNAVAILABLE', `${location}/${key}: ${name}${status}: ${reason}`, { cause: error });
};

const isUnchanged = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304;

interface Bucket {
  readonly client: S3Client;
  readonly name: string;
}

const headObject = async ({ client, name }: Bucket, key: string): Promise<ObjectHead> => {
  const command = new HeadObjectCommand({ Bucket: name, Key: key });
  const { ContentLength = 0, ETag = '', Metadata = {} } = await client.send(command);
  return { key, sizeBytes: ContentLength, etag: ETag, metadata: Metadata };
};

const readObject = async (
  { client, name }: Bucket,
  key: string,
  maxBytes = Number.POSITIVE_INFINITY,
  condition: { readonly IfNoneMatch?: string } = {},
): Promise<StoredObject> => {
  const command = new GetObjectCommand({ Bucket: name, Key: key, ...condition });
  const { Body, ContentLength = 0, ContentType, ETag = '' } = await client.send(command);
  if (ContentLength > maxBytes && Body instanceof Readable) Body.destroy();
  assertSize(key, ContentLength, maxBytes);
  const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
  return { key, body, sizeBytes: body.byteLength, etag: ETag, contentType: ContentType };
};

/** The bytes of an object from `start` up to, not including, `end`, as they arrive. */
const openRange = async (
  { client, name }: Bucket,
  key: string,
  start: number,
  end: number,
  etag: string | undefined,
): Promise<AsyncIterable<Uint8Array>> => {
  const condition = etag === undefined ? {} : { IfMatch: etag };
  const range = `bytes=${start}-${end - 1}`;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key, Range: range, ...condition }));
  if (Body instanceof Readable) return Body;
  throw new Error('S3 answered without a body');
};

const writeObject = async (
  { client, name }: Bucket,
  key: string,
  body: Uint8Array | string,
  { condition, contentType, metadata }: WriteOptions = {},
): Promise<string> => {
  const command = new PutObjectCommand({
    Bucket: name,
    Key: key,
    Body: body,
    ContentLength: Buffer.byteLength(body),
    ...(contentType && { ContentType: contentType }),
    ...(metadata && { Metadata: { ...metadata } }),
    ...(condition && ('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: '*' })),
  });
  const { ETag = '' } = await client.send(command);
  return ETag;
};

/** The pages of a listing; with a delimiter, keys are grouped up to it. @throws `MODEL_UNAVAILABLE` */
const listPages = async function* (
  { client, name }: Bucket,
  prefix: string,
  delimiter?: string,
): AsyncIterable<ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: name,
      Prefix: prefix,
      ...(delimiter && { Delimiter: delimiter }),
      ...(token && { ContinuationToken: token }),
    });
    const page = await client.send(command).catch((error: unknown) => {
      throw toServingError(error, `s3://${name}`, prefix);
    });
    yield page;
    token = page.NextContinuationToken;
  } while (token !== undefined);
};

/** The objects of an S3 bucket. */
export const createS3Store = (client: S3Client, name: string): ObjectStore => {
  const location = `s3://${name}`;
  const bucket = { client, name };

  const attempt = async <T>(key: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      throw toServingError(error, location, key);
    }
  };

  return {
    location,
    head: (key) => attempt(key, () => headObject(bucket, key)),
    read: (key, maxBytes) => attempt(key, () => readObject(bucket, key, maxBytes)),

    readChanged: (key, etag) =>
      attempt(key, () =>
        readObject(bucket, key, undefined, { IfNoneMatch: etag }).catch((error: unknown) => {
          if (isUnchanged(error)) return undefined;
          throw error;
        }),
      ),

    async *readRange(key, start, end, etag) {
      try {
        yield* await openRange(bucket, key, start, end, etag);
      } catch (error) {
        throw toServingError(error, location, key);
      }
    },

    write: (key, body, options) => attempt(key, () => writeObject(bucket, key, body, options)),

    async *list(prefix) {
      for await (const { Contents = [] } of listPages(bucket, prefix)) {
        for (const { Key = '', Size = 0, ETag = '', LastModified } of Contents)
          yield { key: Key, sizeBytes: Size, etag: ETag, modifiedMs: LastModified?.getTime() ?? 0 };
      }
    },

    async *folders(prefix) {
      for await (const { CommonPrefixes = [] } of listPages(bucket, prefix, '/')) {
        for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(prefix.length, -1);
      }
    },

    remove: (key) =>
      attempt(key, async () => {
        await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
      }),
  };
};
