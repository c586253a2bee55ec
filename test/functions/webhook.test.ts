import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { Webhook } from 'standardwebhooks';
import { issueSecret } from '../../src/access/webhook-secrets.ts';
import { readDeliveries } from '../../src/jobs/webhooks/delivery.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { announcementOf } from '../support/jobs.ts';
import { createTestS3Client } from '../support/s3.ts';

const ID = '0123456789abcdef0123456789abcdef';

let directory: string;
let storage: EmbeddedStorage;
let data: ObjectStore;
let deployed: DeployedFunction;
let server: Server;
let host: string;
let secret: string;
const received: { readonly headers: Record<string, string>; readonly body: string }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webhook-'));
  storage = await startEmbeddedStorage();
  server = createServer(async (request, response) => {
    received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createTestS3Client(storage.endpoint);
  data = createS3UploadStore(client, storage.dataBucket);
  const models = createS3UploadStore(client, storage.modelsBucket);
  ({ secret } = await issueSecret(models, { holder: 'alice', by: 'a test', now: new Date() }));
  deployed = await deployFunction('webhook', storage, directory, { WEBHOOK_HOSTS: host });
});
afterAll(async () => {
  await deployed.stop();
  await storage.stop();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const announce = async (sample: SQSEvent, url: string): Promise<SQSEvent> => {
  const { Records } = JSON.parse(sample.Records[0]?.body ?? '') as {
    Records: { s3: { object: { key: string } } }[];
  };
  const key = Records[0]?.s3.object.key ?? '';
  const body = JSON.stringify({ type: 'job.succeeded', data: { id: ID } });
  await data.write(key, JSON.stringify({ id: ID, owner: 'alice', url, event: 'succeeded', body }));
  return { Records: sample.Records.map((each) => ({ ...each, body: announcementOf(storage.dataBucket, key) })) };
};

const events = (await readEvents('webhook')) as Map<string, SQSEvent>;

describe('webhook', () => {
  it.each([...events])(
    'keeps what %s announces while no receiver takes it, and then delivers it',
    async (_file, sample) => {
      const event = await announce(sample, 'https://localhost/hook');
      const failed = { batchItemFailures: sample.Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      expect(await deployed.invoke(event)).toEqual(failed);
      const [pending] = await readDeliveries(data, ID, ['succeeded']);
      expect(pending?.attempts[0]?.error).toMatch(/localhost leads to (::1|127\.0\.0\.1), which is no public address/);

      expect(await deployed.invoke(await announce(sample, `http://${host}/hook`))).toEqual({ batchItemFailures: [] });

      expect(received).toHaveLength(1);
      const [message] = received;
      expect(new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {})).toMatchObject({
        data: { id: ID },
      });
      const [delivered] = await readDeliveries(data, ID, ['succeeded']);
      expect(delivered).toMatchObject({ outcome: 'delivered', attempts: [{}, { status: 200 }] });
    },
  );
});
