import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import type { Patience } from '../../src/repository/stores/s3-patience.ts';
import { type OpenStore, S3_STORES } from '../support/s3.ts';

const PATIENCE: Patience = { silenceMs: 60_000, leastBytesPerSecond: 1024, operationMs: 120_000 };
const BYTES = randomBytes(1_000_000);

let server: Server;
let requests: number;
const sockets = new Set<Socket>();

/** A store whose S3 answers each request with the bytes that `answer` makes of its number, from 1, and its range. */
const storeOf = async (
  openStore: OpenStore,
  answer: (number: number, start: number, end: number) => Buffer,
  patience = PATIENCE,
): Promise<ObjectStore> => {
  requests = 0;
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (request) => {
      requests += 1;
      const [, start, last] = /range: bytes=(\d+)-(\d+)/i.exec(request.toString('latin1')) ?? [];
      socket.write(answer(requests, Number(start), Number(last) + 1));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return openStore(`http://127.0.0.1:${address.port}`, 'bucket', patience);
};
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

const answerOf = (head: readonly string[], body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...head, 'ETag: "x"', '', ''].join('\r\n')), body]);

const rightAnswer = (start: number, end: number): Buffer =>
  answerOf(
    [
      'HTTP/1.1 206 Partial Content',
      `Content-Range: bytes ${start}-${end - 1}/${BYTES.length}`,
      `Content-Length: ${end - start}`,
    ],
    BYTES.subarray(start, end),
  );

const collect = async (blocks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const copies: Buffer[] = [];
  for await (const block of blocks) copies.push(Buffer.from(block));
  return Buffer.concat(copies);
};

const PARTIAL = 'HTTP/1.1 206 Partial Content';
const RANGE = 'Content-Range: bytes 10-19/1000000';
const TEN = BYTES.subarray(10, 20);

describe.each(S3_STORES)('Read %s,', (_way, openStore) => {
  it.each<[string, Buffer]>([
    ['has no range', answerOf([PARTIAL, 'Content-Length: 10'], TEN)],
    ['has another range', answerOf([PARTIAL, 'Content-Range: bytes 0-9/1000000', 'Content-Length: 10'], TEN)],
    [
      'has more than was asked for',
      answerOf([PARTIAL, 'Content-Range: bytes 10-29/1000000', 'Content-Length: 20'], TEN),
    ],
    ['has no length', answerOf([PARTIAL, RANGE], TEN)],
    ['has two lengths', answerOf([PARTIAL, RANGE, 'Content-Length: 10', 'Content-Length: 4'], TEN)],
    ['has a length that is not that of its range', answerOf([PARTIAL, RANGE, 'Content-Length: 4'], TEN)],
    ['is chunked', answerOf([PARTIAL, RANGE, 'Transfer-Encoding: chunked'], Buffer.from('1\r\nx\r\n0\r\n\r\n'))],
    ['is the whole object', answerOf(['HTTP/1.1 200 OK', 'Content-Length: 1000000'], BYTES)],
    ['is only a hint', Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n')],
    ['is of an older protocol', answerOf(['HTTP/1.0 206 Partial Content', RANGE, 'Content-Length: 10'], TEN)],
  ])('blocks come by the SDK when an answer %s', async (_what, odd) => {
    const store = await storeOf(openStore, (number, start, end) => (number === 1 ? odd : rightAnswer(start, end)));

    const bytes = await collect(store.readBlocks('object', 10, 20));

    expect([bytes.equals(TEN), requests]).toEqual([true, 2]);
  });

  it.each(['readRange', 'readBlocks'] as const)(
    '%s gives up a refusal that stops within its reason, however long all the bytes may take',
    async (method) => {
      const stopped = answerOf(['HTTP/1.1 404 Not Found', 'Content-Length: 500'], Buffer.from('<Error><Code>NoSuch'));
      const busy = answerOf(['HTTP/1.1 503 Slow Down', 'Content-Length: 0'], Buffer.alloc(0));
      const answers = [busy, stopped]; // the second request for blocks is sent by the SDK
      const patience = { silenceMs: 500, leastBytesPerSecond: 1, operationMs: 120_000 };
      const store = await storeOf(
        openStore,
        (number, start, end) => answers[number - 1] ?? rightAnswer(start, end),
        patience,
      );

      const bytes = await collect(store[method]('object', 0, BYTES.length));

      expect([bytes.equals(BYTES), requests]).toEqual([true, 3]);
    },
  );

  it('a reader that stops early leaves no bytes of its part to the next one', async () => {
    const store = await storeOf(openStore, (_number, start, end) => rightAnswer(start, end));
    const other = store.readBlocks('object', 900_000, 1_000_000)[Symbol.asyncIterator](); // keeps the connections
    await other.next();
    for await (const _block of store.readBlocks('object', 0, 300_000)) {
      await new Promise((wake) => setTimeout(wake, 100)); // the rest comes
      break;
    }

    const bytes = await collect(store.readBlocks('object', 500_000, 600_000));

    expect(bytes.equals(BYTES.subarray(500_000, 600_000))).toBe(true);
    await other.return?.();
  });
});
