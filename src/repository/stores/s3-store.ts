import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from './object-store.ts';
import { listPages, removeObject, writeObject } from './s3-bucket.ts';
import { FUNCTION_PATIENCE } from './s3-patience.ts';
import { attempt, createS3Reader } from './s3-reader.ts';
import { createSdkRequests } from './s3-sdk-requests.ts';
import type { SdkBucket } from './s3-signed-store.ts';

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

/** Opens a bucket by the SDK. */
export const openSdkBucket = (client: S3Client, name: string, patience = FUNCTION_PATIENCE): SdkBucket => {
  const bucket = { client, name, patience };
  const requests = createSdkRequests(client, name);
  const reader = createS3Reader(name, { requests, patience });
  const { location } = reader;

  const store: ObjectStore = {
    ...reader,

    write: (key, body, options) => attempt(location, key, () => writeObject(bucket, key, body, options)),

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

    remove: (key) => attempt(location, key, () => removeObject(bucket, key)),

    // Answers need the rest that are too large for a response: no cold start waits for it.
    presign: async (key, seconds) => (await import('./s3-presign.ts')).presignRead(bucket, key, seconds),
    presignWrite: async (key, seconds, bounds) =>
      (await import('./s3-presign.ts')).presignWrite(bucket, key, seconds, bounds),
  };
  return { store, requests };
};

/** The objects of an S3 bucket. */
export const createS3Store = (client: S3Client, name: string, patience = FUNCTION_PATIENCE): ObjectStore =>
  openSdkBucket(client, name, patience).store;
