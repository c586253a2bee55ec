import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { issueSecret, liveSecrets, readSecrets, revokeSecret } from '../../../src/access/webhook-secrets.ts';
import { isPublicAddress, type Resolve } from '../../../src/jobs/webhooks/address.ts';
import { deliverEvent, PAUSES_SECONDS, readDeliveries } from '../../../src/jobs/webhooks/delivery.ts';
import { createSendEvent } from '../../../src/jobs/webhooks/send-event.ts';
import { announceEvent, parseWebhookUrl, readWebhook, type WebhookEvent } from '../../../src/jobs/webhooks/webhook.ts';
import { createTestServing, type TestServing } from '../../support/serving.ts';

const ATTEMPTS = PAUSES_SECONDS.length + 1;
const ID = '0123456789abcdef0123456789abcdef';
const KEY = `jobs/events/${ID}/succeeded.json`;

let serving: TestServing;
let server: Server;
let host: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let received: { readonly headers: Record<string, string>; readonly body: string }[];
let secrets: string[];

beforeEach(async () => {
  serving = await createTestServing();
  received = [];
  answer = (_request, response) => response.writeHead(204).end();
  server = createServer(async (request, response) => {
    received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = serving.repository.store;
  const made = [];
  for (const _ of [1, 2]) made.push(await issueSecret(store, { holder: 'alice', by: 'a test', now: new Date() }));
  secrets = made.map(({ secret }) => secret);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await serving.remove();
});

const secretsOf = async (holder: string) => liveSecrets(await readSecrets(serving.repository.store), holder);

const announce = (change: Partial<WebhookEvent> = {}) =>
  announceEvent(serving.data, {
    ...{ id: ID, owner: 'alice', url: `http://${host}/hook`, event: 'succeeded' },
    body: JSON.stringify({ type: 'job.succeeded', data: { id: ID } }),
    ...change,
  });

const deliver = (options: { resolve?: Resolve; timeoutMs?: number; trusted?: string[] } = {}) => {
  const send = createSendEvent({ secretsOf, trusted: [host], ...options });
  return deliverEvent(serving.data, KEY, { send, attempts: ATTEMPTS });
};

const attempts = async () => (await readDeliveries(serving.data, ID, ['succeeded']))[0]?.attempts ?? [];

describe('an event', () => {
  it('is signed with both live secrets of its owner, as the package standardwebhooks verifies it', async () => {
    await announce();

    expect(await deliver()).toEqual({ outcome: 'delivered' });

    const [message] = received;
    for (const secret of secrets)
      expect(new Webhook(secret).verify(message?.body ?? '', message?.headers ?? {})).toMatchObject({
        data: { id: ID },
      });
    const stranger = `whsec_${Buffer.alloc(32).toString('base64')}`;
    expect(() => new Webhook(stranger).verify(message?.body ?? '', message?.headers ?? {})).toThrow();
    expect(await attempts()).toEqual([{ time: expect.any(String), status: 204 }]);
  });

  it('that was delivered is not sent again', async () => {
    await announce();
    await announce({ body: 'another' });
    await deliver();
    await deliver();
    expect(received.map(({ body }) => JSON.parse(body).type)).toEqual(['job.succeeded']);
  });

  it('is tried eight times over more than a day, later each time, and then given up', async () => {
    answer = (_request, response) => response.writeHead(500).end();
    await announce();
    const pauses: (number | undefined)[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) pauses.push((await deliver()).pauseSeconds);

    expect(pauses.slice(0, -1).every((pause, index) => (pause ?? 0) >= (PAUSES_SECONDS[index] ?? 0))).toBe(true);
    expect(pauses.at(-1)).toBeUndefined();
    expect(PAUSES_SECONDS.reduce((sum, pause) => sum + pause)).toBeGreaterThan(86_400);
    expect(Math.max(...PAUSES_SECONDS) * 1.1).toBeLessThanOrEqual(43_200); // the longest that SQS hides a message
    const [report] = await readDeliveries(serving.data, ID, ['succeeded']);
    expect(report).toMatchObject({ event: 'succeeded', outcome: 'failed' });
    expect(report?.attempts).toHaveLength(ATTEMPTS);
    expect(report?.attempts[0]).toMatchObject({ status: 500, error: 'answered 500' });
    expect(await deliver()).toEqual({ outcome: 'failed' });
    expect(received).toHaveLength(ATTEMPTS);
  });

  it('follows no redirect', async () => {
    answer = (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    await announce();
    expect(await deliver()).toMatchObject({ outcome: 'pending' });
    expect((await attempts())[0]).toMatchObject({ status: 302, error: 'redirects are not followed' });
    expect(received).toHaveLength(1);
  });

  it('does not wait for a receiver that never answers', async () => {
    answer = () => undefined;
    await announce();
    expect(await deliver({ timeoutMs: 50 })).toMatchObject({ outcome: 'pending' });
    expect((await attempts())[0]?.error).toBe('no answer within 0.05 s');
  });

  it('is not sent unsigned', async () => {
    for (const { id, secret } of await readSecrets(serving.repository.store))
      expect(await revokeSecret(serving.repository.store, secret, new Date())).toBe(id);
    await announce();
    expect(await deliver()).toMatchObject({ outcome: 'pending' });
    expect((await attempts())[0]?.error).toMatch(/alice has no webhook secret/);
    expect(received).toEqual([]);
  });

  it('goes to no name with a private address, whatever the name led to before', async () => {
    await announce({ url: 'https://rebinding.example/hook' });
    const resolve: Resolve = (_name, done) =>
      done(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    expect(await deliver({ resolve })).toMatchObject({ outcome: 'pending' });
    expect((await attempts())[0]?.error).toBe('rebinding.example leads to 127.0.0.1, which is no public address');
  });

  it('goes to no literal private address, should one have been stored', async () => {
    await announce();
    expect(await deliver({ trusted: [] })).toMatchObject({ outcome: 'pending' });
    expect((await attempts())[0]?.error).toMatch(/expected https/);
    expect(received).toEqual([]);
  });
});

describe('secrets', () => {
  it('are two for each holder at most', async () => {
    const request = { holder: 'alice', by: 'a test', now: new Date() };
    await expect(issueSecret(serving.repository.store, request)).rejects.toThrow(/alice has 2 live secrets/);
    await expect(issueSecret(serving.repository.store, { ...request, holder: 'a b' })).rejects.toThrow(/expected 1 to/);
    await expect(revokeSecret(serving.repository.store, 'none', new Date())).rejects.toThrow(/there is no secret/);
    expect(await secretsOf('bob')).toEqual([]);
  });
});

describe('a webhook', () => {
  it.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ...[
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1',
      'fc00::1',
      'fd12::1',
      '::ffff:10.0.0.1',
      '::ffff:8.8.8.8',
      'ff02::1',
    ],
    ...['64:ff9b::a00:1', '2002:7f00:1::', '2001:db8::1', '2001::1'],
  ])('at %s would be private', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '93.184.216.34', '172.32.0.1', '2606:2800:220:1::1'])('at %s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['http://example.org/hook', /expected https/],
    ['ftp://example.org', /expected https/],
    ['https://user:password@example.org/', /a user or a password/],
    ['https://127.0.0.1/', /127.0.0.1 is no public address/],
    ['https://2130706433/', /127.0.0.1 is no public address/],
    ['https://0x7f.1/', /127.0.0.1 is no public address/],
    ['https://[::1]/', /::1 is no public address/],
    ['https://[::ffff:169.254.169.254]/', /is no public address/],
    ['not a url', /expected a URL/],
    [`https://example.org/${'x'.repeat(3_000)}`, /expected a URL/],
    [5, /expected a URL/],
  ])('of %s is refused', (url, problem) => {
    expect(() => parseWebhookUrl(url, [])).toThrow(problem);
  });

  it('hears of the ends of a job unless it names the events', () => {
    const url = 'https://example.org/';
    expect(readWebhook({}, [])).toBeUndefined();
    expect(readWebhook({ webhook: url }, [])).toEqual({ url, events: ['succeeded', 'failed', 'cancelled'] });
    expect(readWebhook({ webhook: url, events: 'running,failed' }, [])?.events).toEqual(['running', 'failed']);
    expect(() => readWebhook({ webhook: url, events: ['queued'] }, [])).toThrow(/expected a list of running/);
    expect(() => readWebhook({ webhook: url, events: [] }, [])).toThrow(/expected a list of running/);
    expect(() => readWebhook({ events: ['failed'] }, [])).toThrow(/needs "webhook"/);
  });

  it('may be a host of the operator', () => {
    expect(parseWebhookUrl('http://ci.internal:8080/x', ['ci.internal:8080']).host).toBe('ci.internal:8080');
    expect(() => parseWebhookUrl('http://ci.internal:8081/x', ['ci.internal:8080'])).toThrow(/expected https/);
    expect(() => parseWebhookUrl('file://ci.internal:8080/x', ['ci.internal'])).toThrow(/expected a URL/);
  });
});
