import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { createTestServing, publishSample, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

describe('the application on a plain Node server', () => {
  let serving: TestServing;
  let server: ServerType;
  let url: string;

  beforeAll(async () => {
    serving = await createTestServing();
    await publishSample(serving.repository, 'lite0');
    const fetchApplication = toFetch(createApplication(serving));
    const bindings = () => ({ requestId: 'r', deadline: deadlineAt(Date.now() + 30_000) });
    server = serve({ fetch: (request) => fetchApplication(request, bindings()), hostname: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await serving.remove();
  });

  it('answers a photo', async () => {
    const body = await readFile(`${SAMPLE_FOLDER}/samples/coffee.jpg`);

    const response = await fetch(`${url}/models/lite0`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'image/jpeg' },
    });

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject([{ label: 'espresso' }, {}, {}, {}, {}]);
  });

  it.each([
    ['announces to be', { 'content-length': String(100 * 1024 * 1024) }],
    ['turns out to be', {}],
  ])('refuses a body that %s too large, before it has arrived', async (_how, length) => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    const headers = { 'content-type': 'image/jpeg', ...length };

    const response = await fetch(`${url}/models/lite0`, { method: 'POST', body: endless, headers, duplex: 'half' });

    expect(response.status).toBe(413);
  });
});
