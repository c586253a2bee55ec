import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import type { ObjectStore, UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { findNamed, pushNamed } from '../support/serving.ts';

let directory: string;
let storage: EmbeddedStorage;
let data: ObjectStore;
let models: ModelRepository<UploadingStore>;
const published = new Map<string, Promise<void>>();

const publish = (model: string): Promise<void> => {
  const publishing = published.get(model) ?? pushNamed(models, model);
  published.set(model, publishing);
  return publishing;
};

/** The sample of that name, or one of its kind. */
const readSample = async (model: string, name: string): Promise<Buffer> => {
  const folder = join(findNamed(model), 'samples');
  const samples = await readdir(folder);
  const sample = samples.find((file) => file === name) ?? samples.find((file) => extname(file) === extname(name));
  return readFile(join(folder, sample ?? name));
};
let deployed: DeployedFunction;

/** On the samples' photos. */
const LABEL = { label: expect.stringMatching(/espresso|cat/), score: expect.any(Number) };

const events = (await readEvents('on-upload')) as Map<string, SQSEvent>;

interface Entity {
  readonly bucket: { name: string };
  readonly object: { key: string; eTag?: string; etag?: string };
}

/** The objects that a body announces, and their keys. SNS has the body of S3 as text, EventBridge has keys as they are. */
const entitiesOf = (body: S3Body): (readonly [string, Entity])[] => {
  if (body.detail) return [[body.detail.object.key, body.detail]];
  return (body.Records ?? []).map(({ s3 }) => [decodeURIComponent(s3.object.key.replaceAll('+', ' ')), s3] as const);
};

interface S3Body {
  Message?: string;
  readonly detail?: Entity;
  readonly Records?: readonly { readonly s3: Entity }[];
}

/** Puts what a body announces, a sample of its model each, and makes the body announce it. */
const announceBody = async (text: string, keys: string[]): Promise<string> => {
  const body = JSON.parse(text) as S3Body;
  if (body.Message !== undefined) body.Message = await announceBody(body.Message, keys);
  for (const [key, { bucket, object }] of entitiesOf(body)) {
    keys.push(key);
    const [, model = '', ...path] = key.split('/');
    await publish(model);
    const etag = (await data.write(key, await readSample(model, path.at(-1) ?? ''))).replaceAll('"', '');
    Object.assign(object, 'eTag' in object ? { eTag: etag } : { etag });
    bucket.name = storage.dataBucket;
  }
  return JSON.stringify(body);
};

const announce = async (event: SQSEvent): Promise<{ event: SQSEvent; keys: string[] }> => {
  const keys: string[] = [];
  const records = event.Records.map(async (record) => ({ ...record, body: await announceBody(record.body, keys) }));
  return { event: { Records: await Promise.all(records) }, keys };
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'on-upload-'));
  storage = await startEmbeddedStorage();
  const client = createTestS3Client(storage.endpoint);
  data = createS3UploadStore(client, storage.dataBucket);
  models = createModelRepository(createS3UploadStore(client, storage.modelsBucket));
  deployed = await deployFunction('on-upload', storage, join(directory, 'models'));
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('on-upload', () => {
  it.each([...events])('answers what %s announces with a document beside it', async (_file, sample) => {
    const { event, keys } = await announce(sample);

    expect(await deployed.invoke(event)).toEqual({ batchItemFailures: [] });

    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const { body } = await data.read(`${key.replace('uploads/', 'results/')}.json`);
      const document = JSON.parse(Buffer.from(body).toString()) as { status: string; result: unknown };
      expect(document).toMatchObject({ status: 'succeeded', source: { key }, version: 1 });
      expect(document.result).toBeTruthy();
      if (key.endsWith('.jpg')) expect(document.result).toContainEqual(LABEL);
    }
    const batches = await deployed.untilLogged((line) => '_aws' in line && line.BatchSize === keys.length);
    expect(batches).not.toEqual([]);
  });

  it('leaves a record in the queue while S3 is away', async () => {
    const [sample] = events.values();
    const { event } = await announce(sample as SQSEvent);
    const lonely = await deployFunction('on-upload', storage, join(directory, 'lonely'), {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    });

    const response = await lonely.invoke(event);

    await lonely.stop();
    expect(response).toEqual({
      batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
    });
  });
});
