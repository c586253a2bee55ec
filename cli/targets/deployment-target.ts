import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { DEFAULT_FUNCTION } from '../../src/deployment/fleet.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { COMMAND_PATIENCE, COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import type { Deployment } from './stack.ts';
import type { Target } from './target.ts';

/** A key of the API, for stages with `auth: key`. An argument would stand in the shell's history. */
export const KEY = process.env.ONNX_SERVERLESS_KEY || undefined;

/** The target that a stage is, or the local server. */
export const deploymentTarget = (
  deployment: Deployment,
  clientConfig: S3ClientConfig,
  rest: Pick<Target, 'description' | 'options' | 'send'>,
): Target => {
  const client = new S3Client({
    ...clientConfig,
    requestHandler: COMMAND_TIMEOUTS,
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
