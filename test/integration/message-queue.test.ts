import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import type { ServingError } from '../../src/core/errors.ts';
import { createMessageQueue, type MessageQueue } from '../../src/lambda/message-queue.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';

const UPLOADS = { name: 'uploads', visibilityTimeoutSeconds: 720 };

const environment = { ...process.env };
let storage: EmbeddedStorage;
let sqs: SQSClient;
let queue: MessageQueue;
let failures: ServingError[];

const upload = async (count: number): Promise<void> => {
  const { client, dataBucket: Bucket } = storage;
  for (let index = 0; index < count; index += 1)
    await client.send(new PutObjectCommand({ Bucket, Key: `uploads/${index}`, Body: 'x' }));
};

const receive = async (): Promise<SQSRecord[]> => {
  const command = new ReceiveMessageCommand({ QueueUrl: storage.queueUrl(UPLOADS.name), MaxNumberOfMessages: 10 });
  const { Messages = [] } = await sqs.send(command);
  const eventSourceARN = `arn:aws:sqs:us-east-1:000000000000:${UPLOADS.name}`;
  return Messages.map(({ ReceiptHandle: receiptHandle }) => ({ receiptHandle, eventSourceARN }) as SQSRecord);
};

const count = async (): Promise<string[]> => {
  const command = new GetQueueAttributesCommand({
    QueueUrl: storage.queueUrl(UPLOADS.name),
    AttributeNames: ['All'],
  });
  const { Attributes = {} } = await sqs.send(command);
  return [Attributes.ApproximateNumberOfMessages ?? '', Attributes.ApproximateNumberOfMessagesNotVisible ?? ''];
};

beforeAll(async () => {
  storage = await startEmbeddedStorage({
    queues: [UPLOADS],
    notifications: [{ bucket: 'test-data', prefix: 'uploads/', queue: UPLOADS.name }],
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: storage.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
  });
  sqs = new SQSClient({});
  failures = [];
  queue = createMessageQueue((error) => failures.push(error));
});
afterEach(() => {
  failures.length = 0;
});
afterAll(async () => {
  process.env = environment;
  sqs.destroy();
  await storage.stop();
});

describe('the queue of the messages', () => {
  it('gives up an answer that stops after its headers, and tells so', async () => {
    const stalling = createServer((_request, response) => void response.writeHead(200).write('{'));
    await once(stalling.listen(0, '127.0.0.1'), 'listening');
    const { port } = stalling.address() as AddressInfo;
    Object.assign(process.env, { AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${port}` });
    const silent = createMessageQueue((error) => failures.push(error), 300);
    const message = { receiptHandle: 'a', eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:uploads' } as SQSRecord;

    await silent.hide([message], 20);
    await silent.delete([message]);
    delete process.env.AWS_ENDPOINT_URL_SQS;
    stalling.closeAllConnections();
    stalling.close();

    expect(failures.map(({ code }) => code)).toEqual(['MODEL_UNAVAILABLE', 'MODEL_UNAVAILABLE']);
  });

  it('brings a message back at once, keeps it hidden, and deletes more than one call takes', async () => {
    await upload(12);
    const first = [...(await receive()), ...(await receive())];
    expect(await count()).toEqual(['0', '12']);

    await queue.hide(first, 0);
    expect(await count()).toEqual(['12', '0']);

    const again = [...(await receive()), ...(await receive())];
    await queue.hide(again, 600);
    expect(await count()).toEqual(['0', '12']);

    await queue.delete(again);
    expect(await count()).toEqual(['0', '0']);
    expect(failures).toEqual([]);
  });

  it('tells of a change that was refused, and goes on', async () => {
    const eventSourceARN = 'arn:aws:sqs:us-east-1:000000000000:another';

    await queue.hide([{ receiptHandle: 'r', eventSourceARN } as SQSRecord], 30);

    expect(failures).toEqual([expect.objectContaining({ message: expect.stringContaining('another') })]);
  });
});
