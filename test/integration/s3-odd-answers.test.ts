import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { type Patience, TRIES } from '../../src/repository/stores/s3-patience.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { S3_STORES } from '../support/s3.ts';

/** For a count of requests, which no pause of the machine may change. */
const PATIENT: Patience = { silenceMs: 60_000, leastBytesPerSecond: 1024, operationMs: 120_000 };
const TEXT = 'the document of a model';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Makes another answer of that of S3. Its number counts from 1. */
type Change = (answer: Answer, number: number, request: IncomingMessage) => Answer;

let storage: EmbeddedStorage;
let healthy: ObjectStore;
let server: Server;
let endpoint: string;
let store: ObjectStore;
let change: Change;
let requests: number;

/** Asks the S3 behind the proxy; a range that `change` shall widen is asked for by a header of its own. */
const askS3 = async (incoming: IncomingMessage): Promise<Answer> => {
  const { hostname, port } = new URL(storage.endpoint);
  const { method, url, headers } = incoming;
  const outgoing = request({ hostname, port, method, path: url, headers: { ...headers, connection: 'close' } });
  incoming.pipe(outgoing);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { connection: _connection, ...kept } = answer.headers;
  return { status: answer.statusCode ?? 502, headers: kept, body: await buffer(answer) };
};

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  server = createServer(async (incoming, outgoing) => {
    requests += 1;
    const number = requests;
    const { status, headers, body } = change(await askS3(incoming), number, incoming);
    outgoing.writeHead(status, headers).end(incoming.method === 'HEAD' ? undefined : body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  healthy = createS3Store(storage.client, storage.modelsBucket);
  for (const key of ['document', 'folder/a', 'folder/b']) await healthy.write(key, TEXT);
});
afterEach(() => {
  change = (answer) => answer;
  requests = 0;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await storage.stop();
});
change = (answer) => answer;
requests = 0;

const without =
  (...names: readonly string[]): Change =>
  (answer) => ({
    ...answer,
    headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !names.includes(name))),
  });

/** An answer in the place of every one, or of the first alone. */
const instead =
  (status: number, body = '', headers: IncomingHttpHeaders = {}, times = Number.POSITIVE_INFINITY): Change =>
  (answer, number) =>
    number > times
      ? answer
      : { status, headers: { 'content-length': String(Buffer.byteLength(body)), ...headers }, body: Buffer.from(body) };

const errorOf = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`;

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};
const readBytes = async (start: number, end: number): Promise<string> =>
  Buffer.concat(await collect(store.readRange('document', start, end))).toString();

const READS: readonly [string, () => Promise<unknown>][] = [
  ['read', () => store.read('document')],
  ['head', () => store.head('document')],
];
const LISTS: readonly [string, () => Promise<unknown>][] = [
  ['list', () => collect(store.list('folder/'))],
  ['folders', () => collect(store.folders(''))],
];
const UNAVAILABLE = { code: 'MODEL_UNAVAILABLE' };

describe.each(S3_STORES)('Read %s,', (way, openStore) => {
  beforeEach(() => {
    store = openStore(endpoint, storage.modelsBucket, PATIENT);
  });

  describe('an answer that lacks what the store goes by is no answer', () => {
    it.each(READS)('%s: without an etag, by which the next write would have no condition', async (_name, ask) => {
      change = without('etag');

      await expect(ask()).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringContaining('without the etag'),
      });
    });

    it('write: without an etag', async () => {
      change = without('etag');

      await expect(store.write('written', TEXT)).rejects.toMatchObject(UNAVAILABLE);
    });

    it.each(READS)('%s: without a length, which is no empty object', async (_name, ask) => {
      change = (answer, ...rest) => {
        const open = without('content-length')(answer, ...rest);
        return { ...open, headers: { ...open.headers, etag: '"of-parts-2"' } };
      };

      await expect(ask()).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringContaining('without the length'),
      });
    });

    it.each(LISTS)('%s: without a list, which is no empty folder', async (_name, ask) => {
      for (const body of ['', '<html><body>Sign in</body></html>', '<?xml version="1.0"?><ListBucketResult/>']) {
        change = instead(200, body);

        await expect(ask()).rejects.toMatchObject(UNAVAILABLE);
      }
    });

    it.each(LISTS)('%s: a page that leads to no other, or to itself for ever', async (_name, ask) => {
      for (const next of ['', '<NextContinuationToken>x</NextContinuationToken>']) {
        change = instead(200, `<ListBucketResult><IsTruncated>true</IsTruncated>${next}</ListBucketResult>`);

        await expect(ask()).rejects.toMatchObject(UNAVAILABLE);
      }
    });
  });

  describe('a range is exactly what was asked for', () => {
    it('is cut when more comes', async () => {
      change = (answer) => {
        const body = Buffer.concat([answer.body, Buffer.from('and more')]);
        const range = `bytes 4-${3 + body.length}/${TEXT.length}`;
        return {
          ...answer,
          headers: { ...answer.headers, 'content-range': range, 'content-length': String(body.length) },
          body,
        };
      };

      expect(await readBytes(4, 12)).toBe('document');
    });

    it.each<[string, Change]>([
      [
        'the whole object',
        (answer) => ({ ...without('content-range')(answer, 1, {} as IncomingMessage), status: 200 }),
      ],
      [
        'compressed on the way',
        (answer) => {
          const body = gzipSync(answer.body);
          return {
            ...answer,
            headers: { ...answer.headers, 'content-encoding': 'gzip', 'content-length': String(body.length) },
            body,
          };
        },
      ],
      ['an error with the status 200', instead(200, errorOf('InternalError'))],
    ])('is refused when the answer is %s', async (_what, wrong) => {
      change = wrong;

      await expect(readBytes(0, 12)).rejects.toMatchObject(UNAVAILABLE);
      expect(requests).toBe(TRIES);
    });

    it('may be the whole object, when that was asked for', async () => {
      change = (answer) => ({
        ...answer,
        status: 206,
        headers: { ...answer.headers, 'content-range': `bytes 0-${TEXT.length - 1}/${TEXT.length}` },
      });

      expect(Buffer.from((await store.read('document')).body).toString()).toBe(TEXT);
    });
  });

  describe('a refusal that passes is tried again, with and without the words of S3', () => {
    it.each<[string, Change]>([
      ['429 alone', instead(429, '', {}, 1)],
      ['429 of a proxy', instead(429, '<html>Too many</html>', { 'content-type': 'text/html' }, 1)],
      ['408 alone', instead(408, '', {}, 1)],
      ['503 of a proxy', instead(503, '<html>Busy', { 'content-type': 'text/html' }, 1)],
    ])('%s', async (_what, refusal) => {
      for (const [, ask] of [...READS, ...LISTS]) {
        change = refusal;
        requests = 0;

        await ask();

        expect(requests).toBe(2);
      }
    });

    it('a conflict of S3 with itself', async () => {
      change = instead(409, errorOf('OperationAborted'), {}, 1);

      await store.write('written', TEXT);

      expect(requests).toBe(2);
    });

    it('a clock that is wrong by an hour is set by the answers, also by one without a body', async () => {
      const now = (): number => Date.now() + 3_600_000;
      change = (answer, _number, { headers }) => {
        const [, date = '', time = ''] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? [];
        const sent = Date.parse(
          `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`,
        );
        const dated = { date: new Date(now()).toUTCString() };
        if (Math.abs(now() - sent) < 900_000) return { ...answer, headers: { ...answer.headers, ...dated } };
        return { status: 403, headers: dated, body: Buffer.from(errorOf('RequestTimeTooSkewed')) };
      };

      expect((await store.head('document')).sizeBytes).toBe(TEXT.length);
      expect((await collect(store.list('folder/'))).length).toBe(2);
    });
  });

  it.each<[number, string, RegExp]>([
    [403, '', /the status 403 alone/],
    [403, '<html>Blocked by your firewall', /the status 403 is not of S3, but perhaps of a proxy/],
    [307, errorOf('TemporaryRedirect'), /TemporaryRedirect \(307\)/],
  ])(
    'a refusal with the status %s and the body "%s" says so, and is not repeated by the SDK',
    async (status, body, message) => {
      change = instead(status, body, { 'content-type': body.startsWith('<html') ? 'text/html' : 'application/xml' });

      await expect(store.read('document')).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringMatching(message),
      });
      expect(requests).toBe(way === 'by the SDK' ? 1 : 2);
    },
  );

  it.each<[string, Record<string, string>]>([
    ['"0123456789abcdef0123456789abcdef"', { 'x-amz-server-side-encryption': 'aws:kms' }],
    ['"0123456789abcdef0123456789abcdef"', { 'x-amz-server-side-encryption': 'aws:kms:dsse' }],
    ['"0123456789abcdef0123456789abcdef"', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
    ['without-quotes', {}],
    ['W/"weak"', {}],
  ])('the etag %s is no md5 with %j, and stays as it came', async (etag, headers) => {
    change = (answer) => ({ ...answer, headers: { ...answer.headers, ...headers, etag } });

    const { body, etag: read } = await store.read('document');

    expect([Buffer.from(body).toString(), read, requests]).toEqual([TEXT, etag, 1]);
    expect((await store.head('document')).etag).toBe(etag);
  });

  it('an object that is replaced while it is read is read again', async () => {
    await healthy.write('replaced', 'the first text');
    const { etag } = await healthy.head('replaced');
    await healthy.write('replaced', TEXT);
    change = (answer, number, { headers }) => {
      const body = Buffer.from('the first');
      return number === 1
        ? {
            status: 200,
            headers: { etag, 'content-length': '14', connection: 'close' },
            body: headers.range ? answer.body : body,
          }
        : answer;
    };
    server.once('request', (_incoming, outgoing) => outgoing.once('finish', () => outgoing.socket?.destroySoon()));

    expect(Buffer.from((await store.read('replaced')).body).toString()).toBe(TEXT);
  });
});
