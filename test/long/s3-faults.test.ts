import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { type Patience, TRIES } from '../../src/repository/stores/s3-patience.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { type Fault, type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { S3_STORES } from '../support/s3.ts';

const PATIENCE: Patience = { silenceMs: 200, leastBytesPerSecond: 1024, operationMs: 2_000 };
/** For a count of requests, which no pause of the machine may change. */
const PATIENT: Patience = { silenceMs: 60_000, leastBytesPerSecond: 1024, operationMs: 120_000 };
const BYTES = randomBytes(300_000);

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};

/** Blocks are overwritten: each is copied. */
const collectBlocks = async (blocks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const copies: Buffer[] = [];
  for await (const block of blocks) copies.push(Buffer.from(block));
  return Buffer.concat(copies);
};

const PASSING: readonly Fault[] = [
  'silence before headers',
  'stall after headers',
  'stall in the middle',
  'dribble',
  'reset',
  'early end',
  '503 SlowDown',
  '500 InternalError',
];

describe.each(S3_STORES)('Read %s,', (_way, openStore) => {
  let storage: EmbeddedStorage;
  let proxy: FaultyProxy;
  let store: ObjectStore;

  beforeAll(async () => {
    storage = await startEmbeddedStorage();
    proxy = await startFaultyProxy(storage.endpoint);
    store = openStore(proxy.endpoint, storage.modelsBucket, PATIENCE);
    await store.write('object', BYTES);
    await store.write('empty', '');
  });
  afterEach(() => {
    proxy.rules = [];
  });
  afterAll(async () => {
    proxy.stop();
    await storage.stop();
  });

  describe.each(PASSING)('S3 that fails once by %s', (fault) => {
    const failOnce = (): void => {
      store = openStore(proxy.endpoint, storage.modelsBucket, PATIENCE); // another one may read by the SDK by now
      proxy.rules = [{ fault, times: 1 }];
    };

    it('lets an object be read', async () => {
      failOnce();

      const { body } = await store.read('object');

      expect(BYTES.equals(body)).toBe(true);
    });

    it('lets a range be read', async () => {
      failOnce();

      const chunks = await collect(store.readRange('object', 1_000, 250_000));

      expect(BYTES.subarray(1_000, 250_000).equals(Buffer.concat(chunks))).toBe(true);
    });

    it('lets blocks be read', async () => {
      failOnce();

      expect(
        BYTES.subarray(1_000, 250_000).equals(await collectBlocks(store.readBlocks('object', 1_000, 250_000))),
      ).toBe(true);
    });

    it('lets objects be listed, asked about, written and removed', async () => {
      failOnce();
      const listed = await collect(store.list(''));
      failOnce();
      const { sizeBytes } = await store.head('object');
      failOnce();
      await store.write('written', 'text');
      const { body } = await store.read('written');
      failOnce();
      await store.remove('written');

      expect(listed.map(({ key }) => key).sort()).toEqual(['empty', 'object']);
      expect([sizeBytes, Buffer.from(body).toString()]).toEqual([BYTES.length, 'text']);
      await expect(store.head('written')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  describe('S3 that answers wrongly once', () => {
    it.each<Fault>(['wrong bytes', 'short body'])('lets an object be read after %s', async (fault) => {
      proxy.rules = [{ fault, times: 1 }];

      expect(BYTES.equals((await store.read('object')).body)).toBe(true);
    });

    it('lets a range be read after a short body, of which it asks for the rest alone', async () => {
      const patient = openStore(proxy.endpoint, storage.modelsBucket, PATIENT);
      proxy.rules = [{ fault: 'short body', times: 1 }];
      const before = proxy.requests;

      const chunks = await collect(patient.readRange('object', 0, BYTES.length));

      expect(BYTES.equals(Buffer.concat(chunks))).toBe(true);
      expect(proxy.requests - before).toBe(2);
    });

    it('lets blocks be read after a short body, of which it asks for the rest alone', async () => {
      const patient = openStore(proxy.endpoint, storage.modelsBucket, PATIENT);
      proxy.rules = [{ fault: 'short body', times: 1 }];
      const before = proxy.requests;

      expect(BYTES.equals(await collectBlocks(patient.readBlocks('object', 0, BYTES.length)))).toBe(true);
      expect(proxy.requests - before).toBe(2);
    });
  });

  it('Parts that are read at the same time, and the next ones, share connections', async () => {
    let connections = 0;
    const { hostname, port } = new URL(storage.endpoint);
    const between = createTcpServer((socket) => {
      connections += 1;
      const onward = connect(Number(port), hostname);
      socket.on('error', () => onward.destroy());
      onward.on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    const endpoint = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    const shared = openStore(endpoint, storage.modelsBucket, PATIENT);
    const starts = Array.from({ length: 30 }, (_, part) => part * 10_000).values();
    const readSome = async (): Promise<void> => {
      for (const start of starts) {
        const bytes = await collectBlocks(shared.readBlocks('object', start, start + 10_000));
        expect(bytes.equals(BYTES.subarray(start, start + 10_000))).toBe(true);
      }
    };

    await Promise.all([readSome(), readSome(), readSome()]);
    between.close();

    expect(connections).toBe(3);
  });

  it('S3 that sends for longer than an answer may take to begin is asked once', async () => {
    const patience: Patience = { silenceMs: 1_000, leastBytesPerSecond: 1024, operationMs: 2_000 };
    const part = randomBytes(20_000);
    const parts = 60; // 3 s
    let requests = 0;
    const slow = createServer(async (_request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-length': part.length * parts, etag: '"no-md5"' });
      for (let sent = 0; sent < parts && !response.destroyed; sent += 1) {
        response.write(part);
        await new Promise((wake) => setTimeout(wake, 50));
      }
      response.end();
    }).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const endpoint = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;

    const { body } = await openStore(endpoint, 'bucket', patience).read('object');
    slow.close();

    expect([body.length, requests]).toEqual([part.length * parts, 1]);
  });

  describe('S3 that fails for good', () => {
    it.each<[Fault, Patience, Fault[]]>([
      ['stall after headers', PATIENCE, []],
      ['stall in the middle', PATIENCE, []],
      ['dribble', PATIENCE, []],
      ['early end', PATIENT, []],
      ['wrong bytes', PATIENT, []],
      ['wrong bytes', PATIENT, ['503 SlowDown', 'early end']],
    ])('by %s is unavailable after a bounded number of requests', async (fault, patience, before) => {
      const own = await startFaultyProxy(storage.endpoint); // a request of another test may come late
      own.rules = [...before.map((first) => ({ fault: first, times: 1 })), { fault }];
      const behind = openStore(own.endpoint, storage.modelsBucket, patience);

      const error = await behind.read('object').catch((reason: unknown) => reason);
      own.stop();

      expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
      expect(own.requests).toBeLessThanOrEqual(TRIES);
    });

    it.each<Fault[]>([
      ['503 SlowDown'],
      ['early end'],
      ['early end', 'early end', '503 SlowDown'],
      ['early end', 'early end', 'early end', '503 SlowDown'],
    ])('by %s is asked for blocks a bounded number of times', async (...faults) => {
      const own = await startFaultyProxy(storage.endpoint);
      own.rules = faults.map((fault, index) => ({ fault, ...(index < faults.length - 1 && { times: 1 }) }));
      const behind = openStore(own.endpoint, storage.modelsBucket, PATIENT);

      const error = await collectBlocks(behind.readBlocks('object', 0, BYTES.length)).catch(
        (reason: unknown) => reason,
      );
      own.stop();

      expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
      expect(own.requests).toBeLessThanOrEqual(TRIES);
    });

    it('by a dribble lets no listing wait for ever', async () => {
      proxy.rules = [{ fault: 'dribble' }];

      await expect(collect(store.list(''))).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    });

    it.each<Fault>(['silence before headers', 'stall after headers'])(
      'by %s lets no listing, head or write wait for ever',
      async (fault) => {
        proxy.rules = [{ fault }];
        const unavailable = { code: 'MODEL_UNAVAILABLE' };

        await Promise.all([
          expect(collect(store.list(''))).rejects.toMatchObject(unavailable),
          expect(store.head('object')).rejects.toMatchObject(unavailable),
          expect(store.write('written', 'text')).rejects.toMatchObject(unavailable),
        ]);
      },
    );

    it('answers right at once when it is healthy again', async () => {
      proxy.rules = [{ fault: 'stall in the middle' }];
      await expect(store.read('object')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });

      proxy.rules = [];

      expect(BYTES.equals((await store.read('object')).body)).toBe(true);
      expect((await store.read('empty')).body).toHaveLength(0);
    });
  });

  it('A process that computes for longer than the silence loses no body', async () => {
    const patience: Patience = { silenceMs: 1_000, leastBytesPerSecond: 1024, operationMs: 20_000 };
    const computing = openStore(proxy.endpoint, storage.modelsBucket, patience);
    const before = proxy.requests;
    const chunks: Uint8Array[] = [];
    for await (const chunk of computing.readRange('object', 0, BYTES.length)) {
      chunks.push(chunk);
      const endMs = performance.now() + 3 * patience.silenceMs;
      if (chunks.length === 1) while (performance.now() < endMs);
    }

    expect(BYTES.equals(Buffer.concat(chunks))).toBe(true);
    expect(proxy.requests - before).toBe(1);
  });
});
