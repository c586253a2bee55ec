import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { S3Event, SQSEvent } from 'aws-lambda';
import { type EventSource, startEventSource } from '../../local/events/event-source.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';

const DEAD = { name: 'dead-letters', visibilityTimeoutSeconds: 30 };
const PATIENT = { name: 'patient', visibilityTimeoutSeconds: 30 };
/** Failures come back at once. */
const UPLOADS = {
  name: 'uploads',
  visibilityTimeoutSeconds: 0.2,
  redrive: { deadLetterQueue: DEAD.name, maxReceiveCount: 3 },
};

let storage: EmbeddedStorage;
let sqs: SQSClient;
let source: EventSource;
let batches: SQSEvent[];

const keysOf = ({ Records }: SQSEvent): string[] =>
  Records.flatMap(({ body }) => (JSON.parse(body) as S3Event).Records.map(({ s3 }) => s3.object.key));

/** Starts the source, with a function that answers with what `answer` makes of each batch. */
const consume = (
  answer: (event: SQSEvent) => unknown,
  { queue = UPLOADS.name, batchSize = 10, windowSeconds = 0, reportsFailures = true } = {},
): void => {
  const invoke = async (event: SQSEvent) => {
    batches.push(event);
    return answer(event);
  };
  const settings = { queue, batchSize, windowSeconds, reportsFailures };
  source = startEventSource({ ...settings, aws: storage, invoke, onFailure: () => undefined });
};

const upload = (...names: string[]) =>
  Promise.all(
    names.map((name) =>
      storage.client.send(new PutObjectCommand({ Bucket: storage.dataBucket, Key: `uploads/${name}`, Body: 'x' })),
    ),
  );

const depth = async (queue: string): Promise<{ visible: number; inFlight: number }> => {
  const command = new GetQueueAttributesCommand({ QueueUrl: storage.queueUrl(queue), AttributeNames: ['All'] });
  const { Attributes = {} } = await sqs.send(command);
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
};

const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await condition())) await new Promise((wake) => setTimeout(wake, 20));
};

const untilEmpty = (queue: string): Promise<void> =>
  until(async () => {
    const { visible, inFlight } = await depth(queue);
    return visible + inFlight === 0;
  });

beforeEach(async () => {
  batches = [];
  storage = await startEmbeddedStorage({
    queues: [UPLOADS, PATIENT, DEAD],
    notifications: [
      { bucket: 'test-data', prefix: 'uploads/', queue: UPLOADS.name },
      { bucket: 'test-data', prefix: 'uploads/many/', queue: PATIENT.name },
    ],
  });
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  sqs = new SQSClient({ endpoint: storage.endpoint, region: 'us-east-1', credentials });
});

afterEach(async () => {
  await source.stop();
  sqs.destroy();
  await storage.stop();
});

describe('the event source of a queue', () => {
  it('gives the function the records that Lambda gives, and deletes what it has handled', async () => {
    consume(() => ({ batchItemFailures: [] }));
    await upload('model/a b+é.jpg');
    await untilEmpty(UPLOADS.name);
    expect(batches).toHaveLength(1);
    expect(batches[0]?.Records).toMatchObject([
      {
        messageId: expect.stringMatching(/^[\da-f-]{36}$/),
        receiptHandle: expect.stringMatching(/./),
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d{13}$/) },
        md5OfBody: expect.stringMatching(/^[\da-f]{32}$/),
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:uploads',
        awsRegion: 'us-east-1',
      },
    ]);
    expect(batches.flatMap(keysOf)).toEqual(['uploads/model/a+b%2B%C3%A9.jpg']);
  });

  it('counts an answer of nothing as handled', async () => {
    consume(() => null);
    await upload('x');
    await untilEmpty(UPLOADS.name);
    expect(batches).toHaveLength(1);
  });

  it('gathers what comes within the window into one batch, up to its size', async () => {
    const names = ['many/a', 'many/b', 'many/c', 'many/d', 'many/e'];
    consume(() => null, { queue: PATIENT.name, batchSize: 3, windowSeconds: 3 });
    await upload(...names);
    await untilEmpty(PATIENT.name);
    expect(batches.map(({ Records }) => Records.length)).toEqual([3, 2]);
    expect(batches.flatMap(keysOf).toSorted()).toEqual(names.map((name) => `uploads/${name}`));
  });

  it('brings back only what failed', async () => {
    consume(({ Records }) => ({
      batchItemFailures: Records.filter(
        ({ body, attributes }) => body.includes('uploads/bad') && attributes.ApproximateReceiveCount === '1',
      ).map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));
    await upload('good', 'bad');
    await untilEmpty(UPLOADS.name);
    expect(batches.flatMap(keysOf).toSorted()).toEqual(['uploads/bad', 'uploads/bad', 'uploads/good']);
    expect(await depth(DEAD.name)).toEqual({ visible: 0, inFlight: 0 });
  });

  it('ignores the answer of a function that does not report failures', async () => {
    consume(({ Records }) => ({ batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) }), {
      reportsFailures: false,
    });
    await upload('bad');
    await untilEmpty(UPLOADS.name);
    expect(batches).toHaveLength(1);
  });

  it('brings back the whole batch when the function names a message that it was not given', async () => {
    consume(() => ({ batchItemFailures: batches.length === 1 ? [{ itemIdentifier: 'another' }] : [] }));
    await upload('x');
    await untilEmpty(UPLOADS.name);
    expect(batches.flatMap(keysOf)).toEqual(['uploads/x', 'uploads/x']);
  });

  it('moves what the function keeps failing at to the dead-letter queue, as it was sent', async () => {
    consume(() => {
      throw new Error('the function failed');
    });
    await upload('poison');
    await until(async () => (await depth(DEAD.name)).visible === 1);
    expect(batches.map(({ Records }) => Records[0]?.attributes.ApproximateReceiveCount)).toEqual(['1', '2', '3']);
    expect(await depth(UPLOADS.name)).toEqual({ visible: 0, inFlight: 0 });
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: storage.queueUrl(DEAD.name) }));
    expect(Messages[0]?.Body).toBe(batches[0]?.Records[0]?.body);
  });

  it('hears nothing of what is written elsewhere', async () => {
    consume(() => null);
    const { client, dataBucket: Bucket } = storage;
    await client.send(new PutObjectCommand({ Bucket, Key: 'results/x.json', Body: 'x' }));
    await upload('x');
    await untilEmpty(UPLOADS.name);
    expect(batches.flatMap(keysOf)).toEqual(['uploads/x']);
  });
});
