import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type HttpApiOptions, startHttpApi } from '../../local/gateway/http-api.ts';
import { createRouter, parseRoute, type Route } from '../../local/gateway/routes.ts';
import type { Listening } from '../../local/listen-locally.ts';

let api: Listening;
let events: APIGatewayProxyEventV2[];

const CATCH_ALL = { ...parseRoute({ method: '*', path: '/{proxy+}' }), functionName: 'infer' };

const start = async (answer: unknown = 'ok', options: Partial<HttpApiOptions<Route>> = {}): Promise<void> => {
  events = [];
  const invoke = async (_route: Route, event: APIGatewayProxyEventV2) => {
    events.push(event);
    return answer;
  };
  api = await startHttpApi({ port: 0, findRoute: createRouter([CATCH_ALL]), invoke, ...options });
};

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, contentType?: string) =>
  fetch(`${api.endpoint}${path}`, {
    method: 'POST',
    body,
    headers: contentType ? { 'content-type': contentType } : {},
  });

/** Sends bytes as they are, which `fetch` would put right. */
const sendRaw = async (bytes: string): Promise<string> => {
  const socket = connect(Number(new URL(api.endpoint).port), '127.0.0.1');
  socket.end(bytes);
  return text(socket);
};

afterEach(() => api.stop());

describe('the event of a request', () => {
  it('has the fields of payload format 2.0', async () => {
    await start();
    await fetch(`${api.endpoint}/models/a%20b%2Fc?top_k=5&tag=x&tag=y%20z`, {
      method: 'POST',
      body: '{"inputs": "é"}',
      headers: { 'Content-Type': 'application/json; charset=utf-8', cookie: 'a=1; b=2', 'user-agent': 'tests' },
    });
    const [event] = events;
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'ANY /{proxy+}',
      rawPath: '/models/a b/c',
      rawQueryString: 'top_k=5&tag=x&tag=y%20z',
      queryStringParameters: { top_k: '5', tag: 'x,y z' },
      pathParameters: { proxy: 'models/a b/c' },
      cookies: ['a=1', 'b=2'],
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': '16',
        host: new URL(api.endpoint).host,
        'x-forwarded-for': '127.0.0.1',
      },
      body: '{"inputs": "é"}',
      isBase64Encoded: false,
      requestContext: {
        http: {
          method: 'POST',
          path: '/models/a b/c',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'tests',
        },
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        requestId: expect.stringMatching(/./),
      },
    });
    expect(event?.headers).not.toHaveProperty('cookie');
    expect(Math.abs((event?.requestContext.timeEpoch ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('joins repeated headers with a comma', async () => {
    await start();
    await sendRaw('GET /x HTTP/1.1\r\nhost: localhost\r\nX-Many: 1\r\nx-many: 2\r\nconnection: close\r\n\r\n');
    expect(events[0]?.headers).toMatchObject({ 'x-many': '1,2' });
  });

  it('is made of a request of HTTP/1.0 that names no host', async () => {
    await start();
    expect(await sendRaw('GET /x HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect(events[0]?.rawPath).toBe('/x');
  });

  it('has query parameters of any name', async () => {
    await start();
    await fetch(`${api.endpoint}/x?toString=1&toString=2&__proto__=3`);
    expect(Object.entries(events[0]?.queryStringParameters ?? {})).toEqual([
      ['toString', '1,2'],
      ['__proto__', '3'],
    ]);
  });

  it('has neither body nor query when the request has none', async () => {
    await start();
    await fetch(`${api.endpoint}/models`);
    expect(events[0]).not.toHaveProperty('body');
    expect(events[0]).not.toHaveProperty('queryStringParameters');
    expect(events[0]).toMatchObject({ isBase64Encoded: false, rawQueryString: '' });
  });

  it.each([
    ['text/plain', false],
    ['text/csv; charset=utf-8', false],
    ['application/json', false],
    ['application/xml', false],
    ['application/javascript', false],
    ['application/octet-stream', true],
    ['image/jpeg', true],
    ['application/problem+json', true],
    ['application/x-www-form-urlencoded', true],
    [undefined, true],
  ])('with content type %s has a base64 body: %s', async (contentType, isBase64Encoded) => {
    await start();
    await post('/x', new TextEncoder().encode('a=b'), contentType);
    expect(events[0]).toMatchObject({ isBase64Encoded, body: isBase64Encoded ? 'YT1i' : 'a=b' });
  });
});

describe('the answer of a function', () => {
  it('becomes status, headers, cookies and body', async () => {
    await start({
      statusCode: 201,
      headers: { 'Content-Type': 'application/json', 'x-number': 5 },
      cookies: ['a=1', 'b=2; Path=/'],
      body: '{"é": 1}',
    });
    const response = await fetch(`${api.endpoint}/x`);
    expect(response.status).toBe(201);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'application/json', 'x-number': '5' });
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/']);
    expect(await response.json()).toEqual({ é: 1 });
  });

  it('is decoded when it says that it is base64', async () => {
    await start({ statusCode: 200, body: '/wAB', isBase64Encoded: true });
    const response = await fetch(`${api.endpoint}/x`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([255, 0, 1]));
  });

  it.each([
    [{ no: 'status' }, '{"no":"status"}'],
    ['a text', 'a text'],
    [[1, 2], '[1,2]'],
  ])('without a status code is the body of a 200: %j', async (answer, body) => {
    await start(answer);
    const response = await fetch(`${api.endpoint}/x`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe(body);
  });

  it.each([
    [{ statusCode: 9999 }],
    [{ statusCode: 200, headers: { 'x-bad': 'a\nb' } }],
    [{ statusCode: 200, headers: { 'content-length': '500', 'x-bad': 'a\nb' } }],
  ])('that HTTP cannot express is a 500: %j', async (answer) => {
    await start(answer);
    const response = await fetch(`${api.endpoint}/x`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: 'Internal Server Error' });
  });

  it('that is an error is a 500 without its message', async () => {
    await start(undefined, { invoke: () => Promise.reject(new Error('secret')) });
    const response = await fetch(`${api.endpoint}/x`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: 'Internal Server Error' });
  });

  it('that does not come in time is a 503', async () => {
    await start(undefined, { invoke: () => new Promise(() => undefined), timeoutMs: 20 });
    const response = await fetch(`${api.endpoint}/x`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: 'Service Unavailable' });
  });
});

describe('the gateway itself', () => {
  it.each([
    ['/', 404, 'Not Found'],
    ['/?a=b', 404, 'Not Found'],
    ['/%zz', 400, 'Bad Request'],
  ])('answers %s with %i', async (path, status, message) => {
    await start();
    const answer = await sendRaw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(JSON.stringify({ message }));
    expect(events).toEqual([]);
  });

  it.each([
    ['above 10 MB', 11 * 2 ** 20, 'application/json'],
    ['that base64 takes above 6 MB', 5 * 2 ** 20, 'image/jpeg'],
  ])('refuses a body %s', async (_what, sizeBytes, contentType) => {
    await start();
    const response = await post('/x', new Uint8Array(sizeBytes), contentType);
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ message: 'Request Entity Too Large' });
    expect(events).toEqual([]);
  });

  it('passes on 4.5 MB of image', async () => {
    await start();
    const response = await post('/x', new Uint8Array(4_500_000), 'image/jpeg');
    expect(response.status).toBe(200);
    expect(events[0]?.body).toHaveLength(6_000_000);
  });

  it('answers 413 by the announced length, before the body comes', async () => {
    await start();
    const client = request(`${api.endpoint}/x`, { method: 'POST', headers: { 'content-length': 2 ** 33 } });
    client.on('error', () => undefined); // it is cut off while it sends
    client.flushHeaders();
    const [response] = await once(client, 'response');
    expect(response.statusCode).toBe(413);
    client.destroy();
  });

  it('refuses a chunked body of no announced length as soon as it is too large', async () => {
    await start();
    const client = request(`${api.endpoint}/x`, { method: 'POST' });
    client.on('error', () => undefined);
    for (let sent = 0; sent < 11; sent += 1) client.write(Buffer.alloc(2 ** 20));
    const [response] = await once(client, 'response');
    expect(response.statusCode).toBe(413);
    client.destroy();
  });

  it('tells a function that its client waits no more', async () => {
    const called = Promise.withResolvers<AbortSignal>();
    const ended = Promise.withResolvers<void>();
    const invoke: HttpApiOptions<Route>['invoke'] = async (_route, _event, left) => {
      called.resolve(left);
      await once(left, 'abort');
      ended.resolve();
    };
    await start('', { invoke });
    const client = request(`${api.endpoint}/x`).end();
    client.on('error', () => undefined);
    expect((await called.promise).aborted).toBe(false);
    await new Promise((wake) => setTimeout(wake, 1500)); // one that ends its half sooner may still read
    client.destroy();
    await ended.promise;
  });

  it('lives on after rubbish and after a client that goes away', async () => {
    await start();
    expect(await sendRaw('rubbish\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    const socket = connect(Number(new URL(api.endpoint).port), '127.0.0.1');
    socket.write('POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf');
    await once(socket, 'connect');
    socket.destroy();
    expect((await fetch(`${api.endpoint}/x`)).status).toBe(200);
  });
});

describe('a request that hides another one', () => {
  const BODY = '{"inputs": 1}';
  const head = (...headers: readonly string[]): string =>
    ['POST /models/m HTTP/1.1', `host: ${new URL(api.endpoint).host}`, ...headers, '', ''].join('\r\n');
  const HIDDEN = 'GET /admin HTTP/1.1\r\nhost: localhost\r\n\r\n';

  it.each([
    ['two kinds of length', ['content-length: 13', 'transfer-encoding: chunked']],
    ['two lengths', ['content-length: 13', 'content-length: 0']],
    ['a coding that is none', ['transfer-encoding: xchunked']],
    ['a negative length', ['content-length: -1']],
    ['a length with a sign', ['content-length: +13']],
    ['a space before the colon', ['content-length : 13']],
    ['a header over two lines', ['x-a: b', ' content-length: 13']],
    ['a NUL in a header', ['x-a: b\0c', 'content-length: 13']],
    ['line feeds alone', ['x-a: b\ncontent-length: 0']],
  ])('by %s reaches no function', async (_how, headers) => {
    await start();
    expect(await sendRaw(`${head(...headers)}${BODY}${HIDDEN}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(events).toEqual([]);
  });

  it('behind its body is a request of its own, and asks for its own authorizer', async () => {
    const asked: string[] = [];
    const invoke = async (event: unknown): Promise<unknown> => {
      const { rawPath } = event as APIGatewayProxyEventV2;
      asked.push(rawPath);
      return { isAuthorized: rawPath === '/models/m' };
    };
    await start('ok', { authorizerOf: () => ({ identityHeaders: ['authorization'], invoke }) });
    const hidden = HIDDEN.replace('\r\n\r\n', '\r\nauthorization: x\r\nconnection: close\r\n\r\n');
    const answers = await sendRaw(`${head('content-length: 13', 'authorization: x')}${BODY}${hidden}`);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403']);
    expect([asked.sort(), events.map(({ rawPath }) => rawPath)]).toEqual([['/admin', '/models/m'], ['/models/m']]);
  });
});
