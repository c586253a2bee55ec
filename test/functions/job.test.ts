import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { jobIdOf, readJob, writeRequest } from '../../src/jobs/job-document.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { announcementOf } from '../support/jobs.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushNamed } from '../support/serving.ts';

let directory: string;
let storage: EmbeddedStorage;
let data: ObjectStore;
let deployed: DeployedFunction;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-'));
  storage = await startEmbeddedStorage();
  const client = createTestS3Client(storage.endpoint);
  data = createS3UploadStore(client, storage.dataBucket);
  await pushNamed(createModelRepository(createS3UploadStore(client, storage.modelsBucket)), 'iris');
  deployed = await deployFunction('job', storage, join(directory, 'models'));
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});

interface S3Body {
  readonly Records: readonly { readonly s3: { readonly bucket: { name: string }; readonly object: { key: string } } }[];
}

/** Makes the job that an event announces. */
const makeJob = async (sample: SQSEvent): Promise<{ event: SQSEvent; id: string }> => {
  const body = JSON.parse(sample.Records[0]?.body ?? '') as S3Body;
  const key = body.Records[0]?.s3.object.key ?? '';
  const id = jobIdOf(key) ?? '';
  await data.write('jobs/inputs/sample', '{"inputs": [[5.1, 3.5, 1.4, 0.2], [6, 3, 5, 2]]}');
  await writeRequest(data, {
    ...{ id, owner: 'alice', model: 'iris', version: 1, created: new Date().toISOString(), fingerprint: '' },
    input: { key: 'jobs/inputs/sample', contentType: 'application/json', query: 'top_k=1' },
  });
  const records = sample.Records.map((record) => ({ ...record, body: announcementOf(storage.dataBucket, key) }));
  return { event: { Records: records }, id };
};

const events = (await readEvents('job')) as Map<string, SQSEvent>;

describe('job', () => {
  it.each([...events])('runs what %s announces', async (_file, sample) => {
    const { event, id } = await makeJob(sample);

    expect(await deployed.invoke(event)).toEqual({ batchItemFailures: [] });

    const { state } = (await readJob(data, id)) ?? {};
    expect(state).toMatchObject({ status: 'succeeded', attempt: 1, done: 2, total: 2 });
    const answer = await data.read(state?.result?.key ?? '');
    expect(JSON.parse(Buffer.from(answer.body).toString())).toHaveLength(2);
    const [line] = await deployed.untilLogged(({ operation }) => operation === 'job');
    expect(line).toMatchObject({ model: 'iris', version: 1 });
  });

  it('leaves a job in the queue while S3 is away', async () => {
    const [sample] = events.values();
    const lonely = await deployFunction('job', storage, join(directory, 'lonely'), {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      DATA_BUCKET: 'data',
    });
    const response = await lonely.invoke(sample);
    await lonely.stop();
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: sample?.Records[0]?.messageId }] });
  });
});
