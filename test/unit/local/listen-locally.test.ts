import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalServer, type Listening, listenLocally } from '../../../local/listen-locally.ts';

let server: Listening;
let answered = 0;

beforeAll(async () => {
  const listener = createLocalServer((asked, response) => {
    answered += 1;
    response.setHeader('x-asked', `${asked.headers.host}${asked.url}`);
    setImmediate(() => response.end('answer')); // behind the end of a client's half
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

/** What comes back of these bytes, with which the client ends its half of the connection when `ends`. */
const sendRaw = (bytes: string, ends = true): Promise<string> => {
  answered = 0;
  const socket = connect({ port: Number(new URL(server.endpoint).port), host: '127.0.0.1', allowHalfOpen: true });
  if (ends) socket.end(bytes);
  else socket.write(bytes);
  return text(socket).finally(() => socket.destroy());
};

describe('a local server', () => {
  it.each(['connection: close', 'connection: keep-alive'])('answers a client that ended its half: %s', async (kept) => {
    const answer = await sendRaw(`GET / HTTP/1.1\r\nhost: localhost\r\n${kept}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*answer/s);
  });

  it('ends the connection of a client that ended its half before its request was whole', async () => {
    const answer = await sendRaw('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf');
    expect(answer).toContain('HTTP/1.1 400 ');
    expect(await sendRaw('')).toBe('');
  });

  it.each([
    ['http://localhost:3000/a?b=//c', 'localhost:3000/a?b=//c'],
    ['HTTP://127.0.0.1', '127.0.0.1/'],
    ['http://a.localhost?b', 'a.localhost/?b'],
  ])('reads host and path of the whole URL %s', async (url, asked) => {
    const answer = await sendRaw(`GET ${url} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
    expect([answer.slice(9, 12), /x-asked: (.*)\r/.exec(answer)?.[1]]).toEqual(['200', asked]);
  });

  it('passes over the wish for another protocol, as HTTP allows', async () => {
    const wish = 'connection: upgrade\r\nupgrade: websocket\r\n';
    expect(await sendRaw(`GET / HTTP/1.1\r\nhost: localhost\r\n${wish}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['two hosts', 'GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost', 400],
    ['two hosts of which one is foreign', 'GET / HTTP/1.1\r\nhost: localhost\r\nhost: a.example', 400],
    ['no host', 'GET / HTTP/1.1\r\nx-a: b', 400],
    ['a whole URL of another machine', 'GET http://a.example/ HTTP/1.1\r\nhost: localhost', 403],
    ['a whole URL with a user', 'GET http://localhost@a.example/ HTTP/1.1\r\nhost: localhost', 403],
    ['a wish for a tunnel', 'CONNECT a.example:443 HTTP/1.1\r\nhost: localhost', 405],
    ['the beginning of HTTP/2', 'PRI * HTTP/2.0', 400],
  ])('refuses %s', async (_what, head, status) => {
    const answer = await sendRaw(`${head}\r\nconnection: close\r\n\r\n`, false);
    expect([answer.slice(9, 12), answered]).toEqual([String(status), 0]);
  });

  it('keeps no connection of a client that wished for a tunnel, and ends', async () => {
    const listener = createLocalServer((_request, response) => response.end());
    const { endpoint, stop } = await listenLocally(listener, 0);
    const socket = connect({ port: Number(new URL(endpoint).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.write('CONNECT a.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 405 /);
    await stop();
    socket.destroy();
  });

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
