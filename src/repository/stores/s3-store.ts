import type { Readable } from 'node:stream';
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
import type { ObjectStore, WriteOptions } from './object-store.ts';

/** How long S3 may stay silent, per attempt: three attempts end well before the 29 s of an HTTP API. */
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
/** 412 and, for two conditional writes at the same moment, 409. */
const CONFLICT = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

/** What an error of S3 means for `object`. */
export const toServingError = (error: unknown, object: string): ServingError => {
  if (error instanceof ServingError) return error;
  const name = error instanceof Error ? error.name : String(error);
  if (NOT_FOUND.has(name)) return new ServingError('NOT_FOUND', `${object} does not exist`, { cause: error });
  if (CONFLICT.has(name))
    return new ServingError('CONFLICT', `${object} was written by someone else`, { cause: error });
  const status = error instanceof S3ServiceException ? ` (${error.$metadata.httpStatusCode})` : '';
  const reason = error instanceof Error ? error.message : String(error);
  return new ServingError('MODEL_UNAVAILABLE', `${object}: ${name}${status}: ${reason}`, { cause: error });
};

export const createS3Store = (client: S3Client, bucket: string): ObjectStore => {
  const location = `s3://${bucket}`;

  const failure = (error: unknown, key: string): ServingError => toServingError(error, `${location}/${key}`);

  const attempt = async <T>(key: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      throw failure(error, key);
    }
  };

  const read = async (key: string, condition: { IfNoneMatch?: string }, maxBytes = Number.POSITIVE_INFINITY) => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...condition });
    const { Body, ContentLength = 0, ContentType, ETag } = await client.send(command);
    if (ContentLength > maxBytes) {
      (Body as Readable).destroy();
      const problem = `${key} has ${ContentLength} bytes, at most ${maxBytes} are read`;
      throw new ServingError('PAYLOAD_TOO_LARGE', problem);
    }
    const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
    return { key, body, sizeBytes: body.byteLength, etag: ETag ?? '', contentType: ContentType };
  };

  const pages = async function* (prefix: string, delimiter?: string): AsyncIterable<ListObjectsV2CommandOutput> {
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(delimiter && { Delimiter: delimiter }),
        ...(ContinuationToken && { ContinuationToken }),
      });
      const page = await attempt(prefix, () => client.send(command));
      yield page;
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  };

  return {
    location,

    head: (key) =>
      attempt(key, async () => {
        const { ContentLength, ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return { key, sizeBytes: ContentLength ?? 0, etag: ETag ?? '' };
      }),

    read: (key, maxBytes) => attempt(key, () => read(key, {}, maxBytes)),

    readChanged: async (key, etag) => {
      try {
        return await read(key, { IfNoneMatch: etag });
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304) return undefined;
        throw failure(error, key);
      }
    },

    async *readRange(key, start, end, etag) {
      try {
        const condition = etag === undefined ? {} : { IfMatch: etag };
        const { Body } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${start}-${end - 1}`, ...condition }),
        );
        for await (const chunk of Body as Readable) yield chunk as Uint8Array;
      } catch (error) {
        throw failure(error, key);
      }
    },

    write: (key, body, { condition, contentType }: WriteOptions = {}) =>
      attempt(key, async () => {
        const { ETag } = await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: body,
            ContentLength: Buffer.byteLength(body),
            ...(contentType && { ContentType: contentType }),
            ...(condition && ('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: '*' })),
          }),
        );
        return ETag ?? '';
      }),

    async *list(prefix) {
      for await (const { Contents = [] } of pages(prefix)) {
        for (const { Key = '', Size = 0, ETag = '', LastModified } of Contents)
          yield { key: Key, sizeBytes: Size, etag: ETag, modifiedMs: LastModified?.getTime() ?? 0 };
      }
    },

    async *folders(prefix) {
      for await (const { CommonPrefixes = [] } of pages(prefix, '/')) {
        for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(prefix.length, -1);
      }
    },

    remove: (key) =>
      attempt(key, async () => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      }),
  };
};
