import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type BlockConnection, openBlockConnection } from '../../src/repository/stores/block-connection.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';

const REQUEST = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';
const BYTES = randomBytes(9_000_001);
const SILENCE_MS = 10_000;
const headOf = (bytes: number): string =>
  `HTTP/1.1 206 Partial Content\r\nContent-Length: ${bytes}\r\nETag: "x:y"\r\n\r\n`;

type Serve = (socket: Socket) => void;

/** Answers each request, whatever it is, by `answer`. */
const onRequest =
  (answer: Serve): Serve =>
  (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer(socket));
  };
const answerWhole = onRequest((socket) => {
  socket.write(headOf(BYTES.length));
  socket.write(BYTES);
});

let server: Server;
let connection: BlockConnection;
const open = async (serve: Serve): Promise<void> => {
  server = createServer(serve);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  connect(false);
};
const openSecure = async (serve: Serve, certificateName: string): Promise<void> => {
  const { key, cert } = selfSignedCertificate(certificateName);
  setDefaultCACertificates([...getCACertificates('default'), cert]);
  server = createTlsServer({ key, cert }, serve);
  await once(server.listen(0, 'localhost'), 'listening');
  connect(true);
};
const connect = (isSecure: boolean): void => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  connection = openBlockConnection({ isSecure, hostname: isSecure ? 'localhost' : '127.0.0.1', port: address.port });
};
afterEach(async () => {
  connection.destroy();
  server.close();
  setDefaultCACertificates(getCACertificates('bundled'));
});

/** The body of the answer; each block is copied, since the next one overwrites it. */
const bodyOf = async (between: () => Promise<unknown> = async () => {}): Promise<Buffer> => {
  const copies: Buffer[] = [];
  for await (const block of connection.body) {
    await between();
    copies.push(Buffer.from(block));
  }
  return Buffer.concat(copies);
};

describe('a connection that receives into blocks', () => {
  it('gives the heads and bodies of one answer after the other', async () => {
    await open(answerWhole);
    for (let round = 0; round < 3; round += 1) {
      const { status, headers } = await connection.ask(REQUEST, SILENCE_MS);

      expect([status, headers.get('etag'), headers.get('content-length')]).toEqual([206, '"x:y"', `${BYTES.length}`]);
      expect(BYTES.equals(await bodyOf())).toBe(true);
      expect(connection.isIdle()).toBe(true);
    }
  });

  it('gives the same through TLS, to a reader that is slow, too', async () => {
    await openSecure(answerWhole, 'localhost');
    for (const between of [undefined, () => sleep(20)]) {
      await connection.ask(REQUEST, SILENCE_MS);

      expect(BYTES.equals(await bodyOf(between))).toBe(true);
    }
  });

  it('refuses a certificate of another name', async () => {
    await openSecure(answerWhole, 'elsewhere');

    await expect(connection.ask(REQUEST, SILENCE_MS)).rejects.toThrow("does not match certificate's altnames");
  });

  it('lets the sender wait for a slow reader', async () => {
    let sender: Socket | undefined;
    await open(
      onRequest((socket) => {
        sender = socket;
        socket.write(headOf(20 * BYTES.length));
        for (let sent = 0; sent < 20; sent += 1) socket.write(BYTES);
      }),
    );
    await connection.ask(REQUEST, SILENCE_MS);
    const blocks = connection.body[Symbol.asyncIterator]();
    await blocks.next();
    await sleep(500);
    expect(connection.body.receivedBytes()).toBeLessThan(2 * 1024 * 1024);
    expect(sender?.writableLength).toBeGreaterThan(10 * BYTES.length);
  });

  it('puts a head together that comes byte by byte, and an empty body', async () => {
    await open(
      onRequest(async (socket) => {
        socket.setNoDelay();
        for (const byte of headOf(0)) {
          socket.write(byte);
          await sleep(1);
        }
      }),
    );

    expect((await connection.ask(REQUEST, SILENCE_MS)).headers.get('content-length')).toBe('0');
    expect((await bodyOf()).byteLength).toBe(0);
  });

  it('gives what came of a body that breaks off, and then the reason', async () => {
    await open(onRequest((socket) => socket.end(headOf(100) + 'a'.repeat(40))));
    await connection.ask(REQUEST, SILENCE_MS);
    const blocks = connection.body[Symbol.asyncIterator]();

    expect(Buffer.from((await blocks.next()).value ?? []).toString()).toBe('a'.repeat(40));
    await expect(blocks.next()).rejects.toThrow('the connection was closed');
    expect(connection.isIdle()).toBe(false);
  });

  it.each<[string, Serve, string]>([
    ['nobody answers', () => {}, 'no answer came within 100 ms'],
    ['the connection is closed', onRequest((socket) => socket.end()), 'the connection was closed'],
    [
      'the head has no end',
      onRequest((socket) => socket.write('x'.repeat(100_000))),
      'the head of the answer is too long',
    ],
    ['more comes than was said', onRequest((socket) => socket.write(`${headOf(3)}four`)), 'longer than it says'],
  ])('says that %s', async (_what, serve, message) => {
    await open(serve);

    await expect(connection.ask(REQUEST, 100).then(() => bodyOf())).rejects.toThrow(message);
    expect(connection.isIdle()).toBe(false);
  });

  it('takes no other request while blocks of an answer that came whole are not read', async () => {
    await open(
      onRequest((socket) => {
        socket.write(headOf(400_000));
        socket.write(BYTES.subarray(0, 400_000));
      }),
    );
    await connection.ask(REQUEST, SILENCE_MS);
    for await (const _first of connection.body) {
      while (connection.body.receivedBytes() < 400_000) await sleep(1);
      break;
    }

    expect(connection.isIdle()).toBe(false);
  });

  it('says that nothing listens', async () => {
    await open(answerWhole);
    connection.destroy();
    const closed = once(server, 'close');
    server.close();
    await closed;
    const { origin } = connection;
    connection = openBlockConnection(origin);

    await expect(connection.ask(REQUEST, SILENCE_MS)).rejects.toThrow('ECONNREFUSED');
  });
});
