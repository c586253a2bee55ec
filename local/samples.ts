import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../src/core/aws-defaults.ts';
import { createModelRepository } from '../src/repository/model-repository.ts';
import { createS3UploadStore } from '../src/repository/stores/s3-upload-store.ts';

export interface SamplesOptions {
  /** Holds a folder for each sample model. */
  readonly folder: string;
  readonly s3Endpoint: string;
  readonly bucket: string;
  readonly onLine: (line: string) => void;
}

/** The inputs of a sample that a document can show: `/openapi.json` has them as examples. */
const recordedInputs = async (folder: string): Promise<string[]> => {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => /\.(csv|json|txt)$/.test(name));
  return names.sort().map((name) => join(folder, name));
};

/** Pushes the sample models, so that a first start has something to serve. */
export const pushSamples = async ({ folder, s3Endpoint, bucket, onLine }: SamplesOptions): Promise<void> => {
  if (!existsSync(folder)) return;
  const client = new S3Client({ endpoint: s3Endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const repository = createModelRepository(createS3UploadStore(client, bucket));
    if ((await repository.names()).length > 0) return;
    const { pushModel } = await import('../src/authoring/push-model.ts'); // which a later start does without
    const samples = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const sample of samples.map((entry) => entry.name).sort()) {
      const warmup = await recordedInputs(join(folder, sample, 'samples'));
      const { name, version, task } = await pushModel(repository, join(folder, sample), { warmup });
      onLine(`Pushed ${name}, version ${version} (${task}), since there was no model yet`);
    }
  } finally {
    client.destroy();
  }
};
