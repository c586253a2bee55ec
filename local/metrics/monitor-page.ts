import { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { type MonitoredModel, readMonitoredModel } from '../../src/monitoring/page/read-model.ts';
import { renderPage } from '../../src/monitoring/page/render-page.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';

/** The buckets of the local server. */
export interface MonitorPageOptions {
  readonly s3Endpoint: string;
  readonly modelsBucket: string;
  readonly dataBucket: string;
}

/** The page of all models. A model that cannot be read is left out: its first push may be under way. */
export const monitorPage = async ({ s3Endpoint, modelsBucket, dataBucket }: MonitorPageOptions): Promise<string> => {
  const client = new S3Client({ endpoint: s3Endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const repository = createModelRepository(createS3UploadStore(client, modelsBucket));
    const stores = { repository, data: createS3UploadStore(client, dataBucket) };
    const nowMs = Date.now();
    const models: MonitoredModel[] = [];
    for (const name of await repository.names()) {
      const model = await readMonitoredModel(stores, name, nowMs).catch(() => undefined);
      if (model) models.push(model);
    }
    return renderPage(models, nowMs);
  } finally {
    client.destroy();
  }
};
