import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import { createRun } from '../../src/jobs/bulk/bulk-run.ts';
import type { ChunkEnd } from '../../src/jobs/bulk/chunk-end.ts';
import { planRun } from '../../src/jobs/bulk/plan-run.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { bulkRun, readAnswers, readChunkFailures, sourceOf } from '../support/bulk.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { DIVISION_TRAPS } from '../support/division-traps.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { publishModel, pushNamed } from '../support/serving.ts';

let directory: string;
let storage: EmbeddedStorage;
let data: ObjectStore;
let deployed: DeployedFunction;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bulk-'));
  storage = await startEmbeddedStorage();
  const client = createTestS3Client(storage.endpoint);
  data = createS3UploadStore(client, storage.dataBucket);
  const models = createModelRepository(createS3UploadStore(client, storage.modelsBucket));
  await pushNamed(models, 'iris');
  await publishModel(models, 'quotient', 'test/fixtures/models/quotient.onnx');
  deployed = await deployFunction('bulk', storage, join(directory, 'models'));
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});

const plan = async (name: string, model: string, elements: readonly BulkElement[]): Promise<void> => {
  const run = bulkRun({ name, model, chunk: 100 });
  await createRun(data, run);
  await planRun(data, run, sourceOf(elements));
};

const events = (await readEvents('bulk')) as Map<string, { readonly key: string }>;

describe('bulk', () => {
  it.each([...events])('answers the chunk that %s names', async (_file, event) => {
    const [, name = ''] = event.key.split('/');
    await plan(name, 'iris', [
      { row: 1, input: [5.1, 3.5, 1.4, 0.2] },
      { row: 2, input: ['no number', 1, 1, 1] },
    ]);
    expect(await deployed.invoke(event)).toEqual({ succeeded: 1, failed: 1, isKnown: false });
    expect(await deployed.invoke(event)).toEqual({ succeeded: 1, failed: 1, isKnown: true });
    const [line] = await deployed.untilLogged(({ operation }) => operation === 'bulk');
    expect(line).toMatchObject({ model: 'iris', batchSize: 2 });
  });

  it.each([{}, { key: 'bulk/../x' }, { key: 5 }, 'text'])('fails on the event %j', async (event) => {
    await expect(deployed.invoke(event)).rejects.toThrow(/expected {"key"/);
  });

  (DIVISION_TRAPS ? it : it.skip)(
    'ends with a poisoned element among the failures, and all others answered',
    async () => {
      const poison = 6; // -2³¹ divided by 6 - 7 is no int32: the process ends
      const tensor = (x: number) => [{ name: 'x', shape: [1], datatype: 'INT32', data: [x] }];
      await plan(
        'poisoned',
        'quotient',
        [1, 2, poison, 4].map((x, index) => ({ row: index + 1, input: tensor(x) })),
      );
      const ends: unknown[] = [];
      let end: ChunkEnd | undefined;
      while (end === undefined && ends.length < 10)
        end = (await deployed
          .invoke({ key: 'bulk/poisoned/plan/00000000.jsonl', child: 'a child' })
          .catch((error: unknown) => {
            ends.push(error);
            return undefined;
          })) as ChunkEnd | undefined;
      expect(ends.length).toBeGreaterThan(2);
      expect(end).toEqual({ succeeded: 3, failed: 1, isKnown: false });
      expect((await readAnswers(data, 'poisoned', 0))?.map(({ row }) => row)).toEqual([1, 2, 4]);
      expect((await readChunkFailures(data, 'poisoned', 0)).map(({ row }) => row)).toEqual([3]);
    },
  );
});
