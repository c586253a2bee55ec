import type { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import type { Patience } from '../../src/repository/stores/s3-patience.ts';
import { findPlainBucket } from '../../src/repository/stores/s3-plain-bucket.ts';
import { createSignedS3Store } from '../../src/repository/stores/s3-signed-store.ts';
import { createS3Client, createS3Store, openSdkBucket } from '../../src/repository/stores/s3-store.ts';

/** The product's own client, against an S3 of the test. */
export const createTestS3Client = (endpoint: string, patience?: Patience): S3Client => {
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = LOCAL_CREDENTIALS;
  Object.assign(process.env, { AWS_REGION: DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  return createS3Client(endpoint, patience);
};

/** A bucket of a test for `createSignedS3Store`. */
export const signedBucket = (
  endpoint: string,
  name: string,
  patience?: Patience,
): Parameters<typeof createSignedS3Store> => {
  const client = createTestS3Client(endpoint, patience);
  const bucket = findPlainBucket(name, { ...process.env, AWS_ENDPOINT_URL: endpoint }, 'no home');
  if (bucket === undefined) throw new Error(`${name} at ${endpoint} is not plain`);
  return [bucket, name, async () => openSdkBucket(client, name, patience), patience];
};

/** Opens the store of a bucket at an endpoint. */
export type OpenStore = (endpoint: string, name: string, patience?: Patience) => ObjectStore;

/** The stores of S3, by the way in which they read. */
export const S3_STORES: readonly [string, OpenStore][] = [
  ['by the SDK', (endpoint, name, patience) => createS3Store(createTestS3Client(endpoint, patience), name, patience)],
  ['without the SDK', (...place) => createSignedS3Store(...signedBucket(...place))],
];
