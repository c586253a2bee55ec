import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { createNotify } from '../../src/lambda/notification.ts';
import { createMonitorTelemetry } from '../../src/lambda/telemetry/monitor-telemetry.ts';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:alarms';
const environment = { ...process.env };

/** What SNS was sent, and the status with which it answers. */
let received: URLSearchParams[];
let status: number;
let stalls: boolean;
let server: Server;
let lines: string[];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    received.push(new URLSearchParams(await text(request)));
    const body = '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>';
    response.writeHead(status, { 'content-type': 'text/xml' });
    if (stalls) response.write('<Publish');
    else response.end(status === 200 ? body : '<ErrorResponse/>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: 'us-east-1' },
    ...{ POWERTOOLS_DEV: 'true', POWERTOOLS_SERVICE_NAME: 'test', POWERTOOLS_METRICS_NAMESPACE: 'test' },
    ...{ AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
  });
});
beforeEach(() => {
  [received, status, stalls, lines] = [[], 200, false, []];
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  process.env = environment;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ROLLBACK = { model: 'm', version: 2, action: 'rollback', note: 'errors: 9 failed of 9 requests' } as const;

it('tells the topic of a rollback, with the model, the version and the counts', async () => {
  await createMonitorTelemetry(createNotify(TOPIC)).decided(ROLLBACK);
  expect(received).toHaveLength(1);
  const [message] = received;
  expect(message?.get('TopicArn')).toBe(TOPIC);
  expect(message?.get('Subject')).toBe('m: canary 2 rolled back');
  expect(message?.get('Message')).toContain('Version 2 of model m was rolled back by the monitor: errors: 9 failed');
});

it('gives up an answer that stops after its headers', async () => {
  stalls = true;

  await expect(createNotify(TOPIC, 300)('a subject', 'a message')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
});

it('tells the topic once that the limit of the month is reached', async () => {
  const { spent } = createMonitorTelemetry(createNotify(TOPIC));
  const report = { month: '2026-11', dollars: 25.017, limitDollars: 25 };
  for (const isReached of [true, false]) await spent({ ...report, isReached });
  expect(received.map((message) => message.get('Subject'))).toEqual(['the spending limit of the month is reached']);
  expect(received[0]?.get('Message')).toContain('2026-11 have cost $25.02, and maxMonthlyDollars is 25.');
});

it('tells nobody of other decisions, and of nothing without a topic', async () => {
  const telemetry = createMonitorTelemetry(createNotify(TOPIC));
  for (const action of ['raise', 'time', 'promote'] as const) await telemetry.decided({ ...ROLLBACK, action });
  await createMonitorTelemetry(createNotify('')).decided(ROLLBACK);
  expect(received).toEqual([]);
});

it('sends a subject that SNS takes, whatever it is made of', async () => {
  await createNotify(TOPIC)(`ü\n${'x'.repeat(200)}`, 'text');
  expect(received[0]?.get('Subject')).toBe(`??${'x'.repeat(98)}`);
});

it('logs a notification that SNS refuses: the rollback has happened', async () => {
  status = 403;
  await createMonitorTelemetry(createNotify(TOPIC)).decided(ROLLBACK);
  expect(lines.join()).toContain('the notification was not sent: ');
  expect(lines.join()).toContain(TOPIC);
});
