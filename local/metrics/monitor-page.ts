import { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { ServingError } from '../../src/core/errors.ts';
import { type BrokenModel, type MonitoredModel, readMonitoredModel } from '../../src/monitoring/page/read-model.ts';
import { renderPage } from '../../src/monitoring/page/render-page.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';

/** The buckets of the local server. */
export interface MonitorPageOptions {
  readonly s3Endpoint: string;
  readonly modelsBucket: string;
  readonly dataBucket: string;
}

const readModel = async (
  stores: Parameters<typeof readMonitoredModel>[0],
  name: string,
  nowMs: number,
): Promise<MonitoredModel | BrokenModel | undefined> => {
  try {
    return await readMonitoredModel(stores, name, nowMs);
  } catch (error) {
    const { code, message: problem } = ServingError.from(error);
    return code === 'NOT_FOUND' ? undefined : { name, problem }; // a first push may be under way
  }
};

/** The page of all models; one that cannot be read stands with the reason. */
export const monitorPage = async ({ s3Endpoint, modelsBucket, dataBucket }: MonitorPageOptions): Promise<string> => {
  const client = new S3Client({ endpoint: s3Endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const repository = createModelRepository(createS3UploadStore(client, modelsBucket));
    const stores = { repository, data: createS3UploadStore(client, dataBucket) };
    const nowMs = Date.now();
    const models: (MonitoredModel | BrokenModel)[] = [];
    for (const name of await repository.names()) {
      const model = await readModel(stores, name, nowMs);
      if (model) models.push(model);
    }
    return renderPage(models, nowMs);
  } finally {
    client.destroy();
  }
};
