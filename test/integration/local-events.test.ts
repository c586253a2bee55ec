import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseEndpoint } from '../../local/local-endpoint.ts';
import { type LocalServer, startLocalServer } from '../../local/local-server.ts';

const SERVICE = `
params:
  default: { greeting: hello, memory: 512 }
provider:
  name: aws
  memorySize: \${param:memory}
  environment: { GREETING: "\${param:greeting}" }
functions:
  shop:
    handler: handlers/http.handler
    events:
      - httpApi: GET /items
      - httpApi: { method: "*", path: "/items/{id}" }
      - httpApi: GET /items/special
      - schedule: rate(1 hour)
  files:
    handler: handlers/http.handler
    memorySize: 128
    events:
      - httpApi: GET /files/{proxy+}
      - schedule: { rate: "cron(0 12 ? * MON-FRI *)", enabled: true }
  busy:
    handler: handlers/http.handler
    reservedConcurrency: 0
    url: true
    events: [{ httpApi: POST /busy }]
  plain:
    handler: handlers/http.handler
    url: true
  stream:
    handler: handlers/streaming.handler
    url: { invokeMode: RESPONSE_STREAM }
    events: [{ httpApi: GET /stream }]
  returned:
    handler: handlers/http.handler
    url: { invokeMode: RESPONSE_STREAM, authorizer: aws_iam }
`;

let project: string;
let server: LocalServer;
const lines: string[] = [];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'local-events-'));
  await cp('test/fixtures/handlers', join(project, 'handlers'), { recursive: true });
  await writeFile(join(project, 'serverless.yml'), SERVICE);
  server = await startLocalServer({
    project,
    directory: join(project, '.local'),
    port: 0,
    parameters: { greeting: 'good day' },
    onLine: (line) => lines.push(line),
  });
});

afterAll(async () => {
  await server.stop();
  await rm(project, { recursive: true });
});

interface Echo {
  readonly name: string;
  readonly greeting: string;
  readonly pid: number;
  readonly event: Record<string, unknown>;
}

const call = async (path: string, init: RequestInit = {}): Promise<Echo> => {
  const response = await fetch(`${server.endpoint}${path}`, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Echo;
};

const url = (name: string): string => server.functionUrls[name] ?? 'none';

describe('the local HTTP API', () => {
  it('takes each route to its function, with the parameters of the path', async () => {
    expect(await call('/items')).toMatchObject({
      name: 'shop',
      event: { routeKey: 'GET /items', requestContext: { routeKey: 'GET /items' } },
    });
    expect(await call('/items/a%20b', { method: 'PUT' })).toMatchObject({
      name: 'shop',
      event: { routeKey: 'ANY /items/{id}', pathParameters: { id: 'a b' } },
    });
    expect(await call('/items/special')).toMatchObject({ event: { routeKey: 'GET /items/special' } });
    expect(await call('/files/x/y.txt')).toMatchObject({
      name: 'files',
      event: { routeKey: 'GET /files/{proxy+}', pathParameters: { proxy: 'x/y.txt' } },
    });
  });

  it('gives no path parameters to a route without variables', async () => {
    expect((await call('/items')).event).not.toHaveProperty('pathParameters');
  });

  it.each([
    ['GET', '/'],
    ['POST', '/items'],
    ['GET', '/other'],
  ])('answers %s %s, which is no route, with 404', async (method, path) => {
    const response = await fetch(`${server.endpoint}${path}`, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: 'Not Found' });
  });

  it('gives functions the parameters of the command', async () => {
    expect(await call('/items')).toMatchObject({ greeting: 'good day' });
  });

  it('answers 500 for a function that takes too much memory, and starts it anew', async () => {
    const { pid } = await call('/files/x');
    const response = await fetch(`${server.endpoint}/files/x?action=hoard`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: 'Internal Server Error' });
    expect(lines.join('\n')).toContain('files: Runtime exited with error: signal: killed');
    expect((await call('/files/x')).pid).not.toBe(pid);
  });

  it('answers 503 for a function whose concurrency is used up', async () => {
    const response = await fetch(`${server.endpoint}/busy`, { method: 'POST' });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: 'Service Unavailable' });
  });

  it('joins the chunks of a function that streams', async () => {
    const response = await fetch(`${server.endpoint}/stream?action=text`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('one two');
  });

  it('passes on the bytes of a body', async () => {
    const response = await fetch(`${server.endpoint}/items?action=bytes`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([255, 0, 1]));
  });
});

describe('the URL of a function', () => {
  it('gives the event of a function URL for every method and path', async () => {
    const response = await fetch(`${url('plain')}/any/p%61th?x=1`, { method: 'PATCH', body: 'text' });
    expect(await response.json()).toMatchObject({
      name: 'plain',
      event: {
        version: '2.0',
        routeKey: '$default',
        rawPath: '/any/p%61th',
        rawQueryString: 'x=1',
        body: 'text',
        requestContext: { routeKey: '$default', http: { method: 'PATCH' } },
      },
    });
  });

  it.each([
    ['plain', 'throw'],
    ['plain', 'exit'],
    ['stream', 'throwBefore'],
    ['stream', 'empty'],
  ])('answers 502 when %s does %s', async (name, action) => {
    const response = await fetch(`${url(name)}/?action=${action}`);
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ message: 'Internal Server Error' });
  });

  it('answers 429 when its concurrency is used up', async () => {
    expect((await fetch(url('busy'))).status).toBe(429);
  });

  it('answers 413 for more than 6 MB, and 400 for a path that is no UTF-8', async () => {
    expect((await fetch(url('plain'), { method: 'POST', body: new Uint8Array(7_000_000) })).status).toBe(413);
    expect((await fetch(`${url('plain')}/%zz`)).status).toBe(400);
  });

  it('passes on bytes', async () => {
    const response = await fetch(`${url('plain')}/?action=bytes`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([255, 0, 1]));
  });

  it('streams the first chunk before the last one is written', async () => {
    const file = join(project, 'read');
    const response = await fetch(`${url('stream')}/?action=turns&file=${encodeURIComponent(file)}`);
    const chunks = [];
    for await (const chunk of response.body ?? []) {
      chunks.push(Buffer.from(chunk).toString());
      await writeFile(file, '');
    }
    expect(chunks).toEqual(['first', 'second']);
  });

  it('takes status, headers and cookies from the head of a stream', async () => {
    const response = await fetch(`${url('stream')}/?action=structured`);
    expect(response.status).toBe(201);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'text/csv', 'x-a': 'b' });
    expect(response.headers.getSetCookie()).toEqual(['c=1', 'd=2']);
    expect(await response.text()).toBe('a,b\n1,2\n');
  });

  it('takes the content type that a stream was given', async () => {
    const response = await fetch(`${url('stream')}/?action=text`);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('one two');
  });

  it('ends the connection when a stream fails on the way', async () => {
    const response = await fetch(`${url('stream')}/?action=throwBetween`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it.each([
    ['waits', 'untilGone'],
    ['writes', 'fill&chunks=1000000'],
  ])('tells a function that %s when the client goes away', async (_what, action) => {
    lines.length = 0;
    const client = request(`${url('stream')}/?action=${action}`);
    client.on('error', () => undefined);
    client.on('response', (response) => response.once('data', () => client.destroy()));
    client.end();
    await once(client, 'close');
    expect(await (await fetch(`${url('stream')}/?action=text`)).text()).toBe('one two');
    expect(lines.filter((line) => line.includes('timed out'))).toEqual([]);
  });

  /** A connection that has sent a request, and ends its half when `ends`. */
  const open = (path: string, ends: boolean): Socket => {
    const { port } = new URL(url('stream'));
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
    if (ends) socket.end(head);
    else socket.write(head);
    return socket;
  };

  it('streams to a client that ended its half behind its request', async () => {
    const socket = open('/?action=text', true);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*one .*two/s);
    socket.destroy();
  });

  it('makes a function wait for a client that reads nothing, up to its time limit, and keeps little for it', async () => {
    lines.length = 0;
    const socket = open('/?action=fill&chunks=1000000', false);
    while (!lines.some((line) => line.includes('timed out'))) await new Promise((wake) => setTimeout(wake, 50));
    let bytes = 0;
    for await (const chunk of socket) bytes += chunk.length;
    expect(bytes).toBeLessThan(64 * 2 ** 20); // of 64 GB; what the two systems keep of a connection
    expect(lines).not.toContain('filled');
  });

  it('tells a function of a client that went away before it answered', async () => {
    const pid = async () => (await fetch(`${url('stream')}/?action=pid`)).text();
    const before = await pid();
    lines.length = 0;
    const file = join(project, 'gone');
    const client = request(`${url('stream')}/?action=fillLater&file=${encodeURIComponent(file)}`);
    client.on('error', () => undefined);
    client.end();
    while (!lines.includes('asked')) await new Promise((wake) => setTimeout(wake, 10));
    client.destroy();
    await new Promise((wake) => setTimeout(wake, 100)); // the server has to hear of it
    await writeFile(file, '');
    expect(await pid()).toBe(before); // it did not run into its time limit
  });

  it('gives the result of a function that returns it, as status and body', async () => {
    const response = await fetch(url('returned'));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ name: 'returned' });
  });
});

describe('the local server', () => {
  it('lists each function with its events', () => {
    expect(server.served.map(({ functionName, description }) => `${functionName}: ${description}`)).toEqual([
      'shop: GET /items',
      'shop: ANY /items/{id}',
      'shop: GET /items/special',
      'files: GET /files/{proxy+}',
      'busy: POST /busy',
      'stream: GET /stream',
      'shop: rate(1 hour)',
      'files: cron(0 12 ? * MON-FRI *)',
      `busy: ${url('busy')}`,
      `plain: ${url('plain')}`,
      `stream: ${url('stream')}`,
      `returned: ${url('returned')}`,
    ]);
  });

  it('writes down the URLs of functions', async () => {
    const written = parseEndpoint(await readFile(join(project, '.local', 'endpoint.json'), 'utf8'));
    expect(written.functionUrls).toEqual(server.functionUrls);
    expect(Object.keys(written.functionUrls)).toEqual(['busy', 'plain', 'stream', 'returned']);
  });

  it.each([
    [{ greetings: 'x' }, 'serverless.yml: there is no parameter greetings. There are: greeting, memory'],
    [{ memory: 'x' }, 'serverless.yml: the parameter memory is "x", expected a whole number from 128 to 10240'],
  ])('does not start with the parameters %j', async (parameters, message) => {
    const directory = join(project, '.another');
    await expect(
      startLocalServer({ project, directory, port: 0, parameters, onLine: () => undefined }),
    ).rejects.toThrow(message);
  });

  it('names a function that does not start', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'local-broken-'));
    await writeFile(join(broken, 'x.mjs'), 'throw new Error("this module does not load")');
    await writeFile(join(broken, 'serverless.yml'), 'provider: {}\nfunctions: { x: { handler: x.handler } }');
    const output: string[] = [];
    const options = { project: broken, directory: join(broken, '.local'), port: 0 };
    await expect(startLocalServer({ ...options, onLine: (line) => output.push(line) })).rejects.toThrow(
      'the function x does not start: Runtime exited with exit status 1',
    );
    expect(output.join('\n')).toContain('this module does not load');
    await rm(broken, { recursive: true });
  });
});
