import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { type EventSource, startEventSource } from '../../local/events/event-source.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction } from '../support/deployed-function.ts';
import { DIVISION_TRAPS } from '../support/division-traps.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { publishModel } from '../support/serving.ts';

const ATTEMPTS = 3;
/** The queue of the template: a message would stay away for twelve minutes. */
const UPLOADS = {
  name: 'uploads',
  visibilityTimeoutSeconds: 720,
  redrive: { deadLetterQueue: 'dead-letters', maxReceiveCount: ATTEMPTS },
};
const DEAD = { name: 'dead-letters', visibilityTimeoutSeconds: 30 };

/** `quotient.onnx` divides -2³¹ by x - 7. The quotient by -1 is no int32: where `DIVISION_TRAPS`, the process ends with SIGFPE. */
const POISON = 6;
const MODEL = 'quotient';
const MAX_TEST_MS = 280_000;

interface Result {
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly result?: unknown;
}

(DIVISION_TRAPS ? describe : describe.skip)('an upload that ends the process', () => {
  let directory: string;
  let storage: EmbeddedStorage;
  let deployed: DeployedFunction;
  let source: EventSource;
  const batches: SQSEvent[] = [];
  const ends: unknown[] = [];

  const upload = (name: string, x: number) => {
    const inputs = [{ name: 'x', shape: [1], datatype: 'INT32', data: [x] }];
    const Key = `uploads/${MODEL}/${name}.json`;
    return storage.client.send(
      new PutObjectCommand({ Bucket: storage.dataBucket, Key, Body: JSON.stringify({ inputs }) }),
    );
  };

  /** A last attempt says `failed` while it lasts. */
  const untilResult = async (name: string, wanted: 'succeeded' | 'failed'): Promise<Result> => {
    for (;;) {
      const response = await fetch(`${storage.endpoint}/${storage.dataBucket}/results/${MODEL}/${name}.json.json`);
      const result = (await response.json().catch(() => undefined)) as Result | undefined;
      if (response.ok && result?.status === wanted) return result;
      await new Promise((wake) => setTimeout(wake, 100));
    }
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'poisoned-uploads-'));
    storage = await startEmbeddedStorage({
      queues: [UPLOADS, DEAD],
      notifications: [{ bucket: 'test-data', prefix: `uploads/${MODEL}/queued/`, queue: UPLOADS.name }],
    });
    const client = createTestS3Client(storage.endpoint);
    const models = createModelRepository(createS3UploadStore(client, storage.modelsBucket));
    await publishModel(models, MODEL, `test/fixtures/models/${MODEL}.onnx`);
    client.destroy();
    const environment = { UPLOAD_ATTEMPTS: String(ATTEMPTS) };
    deployed = await deployFunction('on-upload', storage, join(directory, 'models'), environment);
    await deployed.init();
    const invoke = (event: SQSEvent) => {
      batches.push(event);
      return deployed.invoke(event);
    };
    source = startEventSource({
      ...{ aws: storage, queue: UPLOADS.name, batchSize: 10, windowSeconds: 1, reportsFailures: true, invoke },
      onFailure: (error) => ends.push(error),
    });
  });
  afterAll(async () => {
    await Promise.all([source.stop(), deployed.stop()]);
    await storage.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('runs after its neighbours from the third delivery on, even if all come together each time', async () => {
    const names = ['poison', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const bodies = await Promise.all(
      names.map(async (name, index) => {
        const { ETag = '' } = await upload(name, index === 0 ? POISON : 8);
        const object = {
          key: `uploads/${MODEL}/${name}.json`,
          size: 1,
          eTag: ETag.replaceAll('"', ''),
          sequencer: '01',
        };
        const s3 = { bucket: { name: storage.dataBucket }, object };
        return JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3 }] });
      }),
    );
    const deliver = (attempt: number) => {
      const attributes = { ApproximateReceiveCount: String(attempt) };
      const eventSourceARN = `arn:aws:sqs:us-east-1:000000000000:${UPLOADS.name}`;
      const Records = bodies.map((body, index) => {
        return { messageId: `direct-${index}`, receiptHandle: 'none', body, attributes, eventSourceARN };
      });
      return deployed.invoke({ Records });
    };

    for (const attempt of [1, 2, 3]) await expect(deliver(attempt)).rejects.toThrow('SIGFPE');

    const [poison, ...others] = names;
    for (const name of others) await untilResult(name, 'succeeded');
    await untilResult(poison ?? '', 'failed');
  });

  it(
    'takes none of its neighbours along: they are answered at the next attempts, and it gets a failed document',
    async () => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `queued/${name}`);
      await Promise.all([upload('queued/poison', POISON), ...names.map((name) => upload(name, 8))]);

      const results = await Promise.all(names.map((name) => untilResult(name, 'succeeded')));
      expect(results).toHaveLength(names.length);

      expect((await untilResult('queued/poison', 'failed')).error).toEqual({
        code: 'INFERENCE_FAILED',
        message: expect.stringContaining('the last attempt'),
      });
      expect(ends[0]).toMatchObject({ message: expect.stringContaining('SIGFPE') });
      const counts = batches.flatMap(({ Records }) =>
        Records.map(({ attributes }) => Number(attributes.ApproximateReceiveCount)),
      );
      expect(Math.max(...counts)).toBeLessThanOrEqual(ATTEMPTS);
    },
    MAX_TEST_MS,
  );
});
