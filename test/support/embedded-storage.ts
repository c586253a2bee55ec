import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { type EmbeddedAws, type EmbeddedAwsOptions, startEmbeddedAws } from '../../local/aws/embedded-aws.ts';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';

export interface EmbeddedStorage extends EmbeddedAws {
  /** An S3 client as anybody would make it, with the SDK's defaults. */
  readonly client: S3Client;
  /** Two empty buckets. */
  readonly modelsBucket: string;
  readonly dataBucket: string;
}

/** Starts an S3 and an SQS of its own for a test. `stop` ends it and removes what it kept, unless `directory` was given. */
export const startEmbeddedStorage = async (options: Partial<EmbeddedAwsOptions> = {}): Promise<EmbeddedStorage> => {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'embedded-storage-')));
  const buckets = { modelsBucket: 'test-models', dataBucket: 'test-data' };
  const embedded = await startEmbeddedAws({ buckets: Object.values(buckets), ...options, directory });
  const client = new S3Client({ endpoint: embedded.endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  return {
    ...embedded,
    ...buckets,
    client,
    stop: async () => {
      client.destroy();
      await embedded.stop();
      if (options.directory === undefined) await rm(directory, { recursive: true });
    },
  };
};
