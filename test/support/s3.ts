import type { S3Client } from '@aws-sdk/client-s3';
import type { Patience } from '../../src/repository/stores/s3-patience.ts';
import { createS3Client } from '../../src/repository/stores/s3-store.ts';

/** The product's own client, against an S3 of the test. */
export const createTestS3Client = (endpoint: string, patience?: Patience): S3Client => {
  Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  return createS3Client(endpoint, patience);
};
