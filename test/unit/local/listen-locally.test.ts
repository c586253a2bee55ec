import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalServer, type Listening, listenLocally } from '../../../local/listen-locally.ts';

let server: Listening;
let answered = 0;

beforeAll(async () => {
  const listener = createLocalServer((_request, response) => {
    answered += 1;
    response.end('answer');
  });
  server = await listenLocally(listener, 0);
});
afterAll(() => server.stop());

const send = async (headers: Record<string, string>): Promise<{ status: number | undefined; body: string }> => {
  answered = 0;
  const sent = request(`${server.endpoint}/data?delete`, { method: 'POST', headers });
  sent.end('body');
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
};

describe('a local server', () => {
  it('listens on the loopback address alone', async () => {
    const listener = createLocalServer((_request, response) => response.end());
    const { stop } = await listenLocally(listener, 0);
    expect(listener.address()).toMatchObject({ address: '127.0.0.1' });
    await stop();
  });

  it.each<Record<string, string>>([
    {},
    { host: 'localhost:3000' },
    { host: 'data.localhost' },
    { host: '[::1]:3001' },
    { origin: 'http://localhost:5173' },
    { origin: 'http://127.0.0.1:5173', 'sec-fetch-site': 'same-site' },
  ])('answers a program or a page of this machine: %j', async (headers) => {
    expect(await send(headers)).toEqual({ status: 200, body: 'answer' });
  });

  it.each([
    { origins: ['https://a.example'], origin: 'https://a.example', expected: 200 },
    { origins: ['https://a.example'], origin: 'https://b.example', expected: 403 },
    { origins: ['*'], origin: 'https://b.example', expected: 200 },
    { origins: ['*'], origin: 'https://b.example', host: 'b.example', expected: 403 },
  ])('lets in the pages of origins that a setting names: %j', async ({ origins, expected, ...headers }) => {
    const other = await listenLocally(
      createLocalServer(
        (_request, response) => response.end(),
        () => origins,
      ),
      0,
    );
    const sent = request(other.endpoint, { headers: { ...headers, 'sec-fetch-site': 'cross-site' } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await other.stop();
    expect(response.statusCode).toBe(expected);
  });

  it.each<Record<string, string>>([
    { origin: 'https://attacker.example' },
    { origin: 'null' },
    { origin: 'http://localhost.attacker.example' },
    { origin: 'http://127.0.0.1.attacker.example' },
    { host: 'attacker.example' },
    { host: 'attacker.example:3001' },
    { host: 'localhost.attacker.example' },
    { host: '127.0.0.1@attacker.example' },
    { 'sec-fetch-site': 'cross-site' },
  ])('refuses what a page of another site sends: %j', async (headers) => {
    const { status, body } = await send(headers);

    expect(status).toBe(403);
    expect(body).toContain('use localhost or 127.0.0.1');
    expect(answered).toBe(0);
  });
});
