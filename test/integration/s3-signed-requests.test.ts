import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { type Patience, TRIES } from '../../src/repository/stores/s3-patience.ts';
import { createSignedS3Store } from '../../src/repository/stores/s3-signed-store.ts';
import { signedBucket } from '../support/s3.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';

const PATIENT: Patience = { silenceMs: 60_000, leastBytesPerSecond: 1024, operationMs: 120_000 };
const HURRIED: Patience = { silenceMs: 200, leastBytesPerSecond: 1024, operationMs: 2_000 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server | SecureServer | undefined;
/** Who sent each request. */
let senders: ('SDK' | 'own')[];
let connections: number;

/** A store whose S3 answers each request by the next one of `answers`, and by the last one from there on. */
const storeOf = async (patience: Patience, ...answers: Answer[]): Promise<ObjectStore> => {
  senders = [];
  connections = 0;
  server = createServer((request, response) => {
    senders.push(request.headers['user-agent']?.includes('aws-sdk-js') ? 'SDK' : 'own');
    answers[Math.min(senders.length, answers.length) - 1]?.(request, response);
  }).on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return createSignedS3Store(...signedBucket(`http://127.0.0.1:${port}`, 'bucket', patience));
};
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const right: Answer = ({ method }, response) => {
  response.writeHead(200, { etag: '"x"', 'content-length': 5 }).end(method === 'HEAD' ? undefined : 'bytes');
};
const refusal =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, headers).end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
  };

const textOf = async (store: ObjectStore): Promise<string> => Buffer.from((await store.read('a b')).body).toString();

const ODD: [string, Answer][] = [
  ['is a redirect', refusal(307, 'TemporaryRedirect', { location: 'http://127.0.0.1:1/' })],
  ['names another region', refusal(400, 'AuthorizationHeaderMalformed')],
  ['refuses the token', refusal(400, 'ExpiredToken')],
  ['refuses the caller', refusal(403, 'AccessDenied')],
  ['misses the bucket', refusal(404, 'NoSuchBucket')],
  ['misses something that it does not name', (_request, response) => void response.writeHead(404).end()],
  ['is not what a GET gets', refusal(412, 'PreconditionFailed')],
  ['asks for patience', refusal(503, 'SlowDown')],
  ['has a status that nobody knows', refusal(299, 'None')],
  ['has no length', (_request, response) => void response.writeHead(200, { 'transfer-encoding': 'chunked' }).end()],
];

describe('An answer that is not plain', () => {
  it.each(ODD)('and that %s is left to the SDK, as all that follows', async (_what, odd) => {
    const store = await storeOf(PATIENT, odd, right);

    expect([await textOf(store), await textOf(store), (await store.head('a')).sizeBytes]).toEqual([
      'bytes',
      'bytes',
      5,
    ]);
    expect(senders).toEqual(['own', 'SDK', 'SDK', 'SDK']);
  });

  it.each(ODD.filter(([what]) => !what.startsWith('misses')))(
    'to the question for a head, and that %s, is left to the SDK',
    async (_what, odd) => {
      const store = await storeOf(PATIENT, odd, right);

      expect([await store.head('a'), await textOf(store)]).toEqual([
        { key: 'a', sizeBytes: 5, etag: '"x"', metadata: {} },
        'bytes',
      ]);
      expect(senders).toEqual(['own', 'SDK', 'SDK']);
    },
  );

  it.each([
    ['AccessDenied', 403, 2],
    ['NoSuchBucket', 404, 2],
    ['PermanentRedirect', 301, 2],
    ['SlowDown', 503, TRIES],
  ])('ends in the error of the SDK: %s', async (code, status, requests) => {
    const store = await storeOf(PATIENT, refusal(status, code));

    await expect(store.read('a')).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining(`${code} (${status})`),
    });
    expect(senders).toHaveLength(requests);
  });
});

it('A clock that is an hour behind is set by the SDK', async () => {
  const hourMs = 3_600_000;
  const strict: Answer = (request, response) => {
    const text = String(request.headers['x-amz-date']);
    const signedMs = Date.parse(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
    response.setHeader('date', new Date(Date.now() + hourMs).toUTCString());
    if (Math.abs(Date.now() + hourMs - signedMs) < hourMs / 4) right(request, response);
    else refusal(403, 'RequestTimeTooSkewed')(request, response);
  };
  const store = await storeOf(PATIENT, strict);

  expect([await textOf(store), await textOf(store)]).toEqual(['bytes', 'bytes']);
  expect(senders).toEqual(['own', 'SDK', 'SDK', 'SDK']);
});

it('A missing object, and one that has not changed, need no SDK', async () => {
  const store = await storeOf(
    PATIENT,
    refusal(404, 'NoSuchKey', { 'transfer-encoding': 'chunked' }),
    (_request, response) => void response.writeHead(404, { 'content-length': 0 }).end(),
    (_request, response) => void response.writeHead(304).end(),
    right,
  );

  await expect(store.read('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(store.head('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await store.readChanged('a', '"x"')).toBeUndefined();
  expect(await textOf(store)).toBe('bytes');
  expect([senders, connections]).toEqual([['own', 'own', 'own', 'own'], 1]);
});

it('Connections that S3 has closed while they waited cost no try', async () => {
  const waiting = TRIES + 1;
  const closed: Answer = ({ socket }) => void socket.resetAndDestroy();
  const store = await storeOf(PATIENT, ...Array.from({ length: waiting }, () => right), closed, right);
  await Promise.all(Array.from({ length: waiting }, () => textOf(store)));

  expect(await textOf(store)).toBe('bytes');
  expect([senders.length, connections]).toEqual([waiting + 2, waiting + 1]);
});

it('A connection that has fallen silent while it waited leaves none of its kind in use', async () => {
  const waiting = TRIES + 1;
  const served = new WeakSet();
  const firstOnly: Answer = (request, response) => {
    if (served.has(request.socket)) return;
    served.add(request.socket);
    right(request, response);
  };
  const store = await storeOf({ ...PATIENT, silenceMs: 1_000 }, firstOnly);
  await Promise.all(Array.from({ length: waiting }, () => textOf(store)));

  expect(await textOf(store)).toBe('bytes');
  expect(connections).toBeGreaterThan(waiting);
});

describe('An S3 with TLS', () => {
  const openSecure = async (certificateName: string): Promise<ObjectStore> => {
    const { key, cert } = selfSignedCertificate(certificateName);
    setDefaultCACertificates([...getCACertificates('default'), cert]);
    server = createTlsServer({ key, cert }, right);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return createSignedS3Store(...signedBucket(`https://127.0.0.1:${port}`, 'bucket', PATIENT));
  };
  afterEach(() => {
    setDefaultCACertificates(getCACertificates('bundled'));
  });

  it('is read under its own name', async () => {
    expect(await textOf(await openSecure('127.0.0.1'))).toBe('bytes');
  });

  it('is not read under another name', async () => {
    await expect(textOf(await openSecure('localhost'))).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining("does not match certificate's altnames"),
    });
  });
});

it.each(['', 'x'.repeat(1025), 'lone \ud800'])('A key that S3 does not take is left to the SDK: %j', async (key) => {
  const store = await storeOf(HURRIED, refusal(400, 'KeyTooLongError'));

  await expect(store.read(key)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  expect(senders).not.toContain('own');
});

it.each<[string, Answer]>([
  [
    'changes the protocol',
    (_request, { socket }) => void socket?.write('HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  ],
  ['is no HTTP', (_request, { socket }) => void socket?.write('220 welcome\r\n')],
  ['hints without end', (_request, response) => response.writeEarlyHints({ link: '</a>; rel=preload' })],
  ['stops within its error', (_request, response) => void response.writeHead(404).write('<Error>')],
])('An S3 that %s is unavailable, and nothing hangs', async (_what, answer) => {
  const store = await storeOf(HURRIED, answer);

  await expect(store.read('a')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  expect(senders.length).toBeLessThanOrEqual(TRIES);
});
