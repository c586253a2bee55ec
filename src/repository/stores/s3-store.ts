import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from './object-store.ts';
import { createBlockReader } from './s3-blocks.ts';
import { headObject, isUnchanged, listPages, removeObject, toServingError, writeObject } from './s3-bucket.ts';
import { FUNCTION_PATIENCE } from './s3-patience.ts';
import { readObject, readRange } from './s3-read.ts';

const CONNECTION_TIMEOUT_MS = 2_000;

/** A client for one process, shared by its stores. Region, credentials and endpoint come from the SDK's own environment variables. */
export const createS3Client = (endpoint?: string, { silenceMs } = FUNCTION_PATIENCE): S3Client =>
  new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: 1, // the store tries again
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: silenceMs,
      throwOnRequestTimeout: true,
    },
    // Every model file is checked against its sha256: the SDK's own checksums would read the bytes a second time.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });

/** The objects of an S3 bucket. */
export const createS3Store = (client: S3Client, name: string, patience = FUNCTION_PATIENCE): ObjectStore => {
  const location = `s3://${name}`;
  const bucket = { client, name, patience };
  const readBlocks = createBlockReader(bucket);

  const attempt = async <T>(key: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      throw toServingError(error, location, key);
    }
  };

  const attemptEach = async function* (key: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      throw toServingError(error, location, key);
    }
  };

  return {
    location,
    head: (key) => attempt(key, () => headObject(bucket, key)),
    read: (key, maxBytes) => attempt(key, () => readObject(bucket, key, maxBytes)),

    readChanged: (key, etag, maxBytes) =>
      attempt(key, () =>
        readObject(bucket, key, maxBytes, { IfNoneMatch: etag }).catch((error: unknown) => {
          if (isUnchanged(error)) return undefined;
          throw error;
        }),
      ),

    readRange: (key, start, end, etag) => attemptEach(key, readRange(bucket, key, start, end, etag)),
    readBlocks: (key, start, end) => attemptEach(key, readBlocks(key, start, end)),

    write: (key, body, options) => attempt(key, () => writeObject(bucket, key, body, options)),

    async *list(prefix, after) {
      for await (const { Contents = [] } of listPages(bucket, prefix, { after })) {
        for (const { Key = '', Size = 0, ETag = '', LastModified } of Contents)
          yield { key: Key, sizeBytes: Size, etag: ETag, modifiedMs: LastModified?.getTime() ?? 0 };
      }
    },

    async *folders(prefix) {
      for await (const { CommonPrefixes = [] } of listPages(bucket, prefix, { delimiter: '/' })) {
        for (const { Prefix = '' } of CommonPrefixes) yield Prefix.slice(prefix.length, -1);
      }
    },

    remove: (key) => attempt(key, () => removeObject(bucket, key)),

    // Answers need the rest that are too large for a response: no cold start waits for it.
    presign: async (key, seconds) => (await import('./s3-presign.ts')).presignRead(bucket, key, seconds),
    presignWrite: async (key, seconds, bounds) =>
      (await import('./s3-presign.ts')).presignWrite(bucket, key, seconds, bounds),
  };
};
