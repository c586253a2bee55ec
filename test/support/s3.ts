import type { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import type { Patience } from '../../src/repository/stores/s3-patience.ts';
import { createS3Client } from '../../src/repository/stores/s3-store.ts';

/** The product's own client, against an S3 of the test. */
export const createTestS3Client = (endpoint: string, patience?: Patience): S3Client => {
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = LOCAL_CREDENTIALS;
  Object.assign(process.env, { AWS_REGION: DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  return createS3Client(endpoint, patience);
};
