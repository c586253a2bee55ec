import { describe, expect, it } from '@jest/globals';
import type { Context } from 'aws-lambda';
import type { HttpRequest } from '../../../src/http/message.ts';
import { readHttpEvent } from '../../../src/lambda/http-event.ts';
import { inferHandler } from '../../../src/lambda/infer.ts';
import { createTestServing, publishModel } from '../../support/serving.ts';

const HTTP_API = 'example.execute-api.us-east-1.amazonaws.com';
const FUNCTION_URL = 'example.lambda-url.us-east-1.on.aws';

const event = (overrides: Record<string, unknown> = {}, method = 'POST', context: Record<string, unknown> = {}) => ({
  version: '2.0',
  routeKey: 'ANY /{proxy+}',
  rawPath: '/models/m',
  rawQueryString: 'top_k=3&a=b%20c',
  headers: { 'content-type': 'image/jpeg', host: HTTP_API },
  requestContext: { domainName: HTTP_API, http: { method }, requestId: 'r', stage: '$default', ...context },
  isBase64Encoded: false,
  ...overrides,
});

const requestOf = (value: unknown): HttpRequest => {
  const found = readHttpEvent(value);
  if (found === undefined) throw new Error('the event holds no request');
  return found.request;
};

const invocation = {
  getRemainingTimeInMillis: () => 30_000,
  awsRequestId: 'invocation',
} as Context;

describe('the function behind a gateway', () => {
  it('refuses an answer that Lambda cannot carry, with the remedy', async () => {
    const serving = await createTestServing();
    await publishModel(serving.repository, 'repeat', 'test/fixtures/models/repeat-string.onnx');
    const inputs = [{ name: 'text', shape: [1], datatype: 'BYTES', data: ['x'.repeat(4_000_000)] }];
    const request = event({
      rawPath: '/v2/models/repeat/infer',
      headers: { 'x-request-id': 'mine' },
      body: JSON.stringify({ inputs }),
    });

    const { statusCode, headers, body } = await inferHandler(serving)(request, invocation);

    expect(statusCode).toBe(413);
    expect(JSON.parse(String(body)).error).toContain('fewer');
    expect(headers['x-request-id']).toBe('mine');
    await serving.remove();
  });

  it.each([
    ['years ago', 1_583_348_638_390],
    ['in an hour', Date.now() + 3_600_000],
  ])('answers an event whose gateway took it %s', async (_when, timeEpoch) => {
    const serving = await createTestServing();

    const request = event({ rawPath: '/models' }, 'GET', { timeEpoch });
    const { statusCode } = await inferHandler(serving)(request, invocation);

    expect(statusCode).toBe(200);
    await serving.remove();
  });

  it.each([
    ['of a schedule', { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }],
    ['of a warm-up plugin', { source: 'serverless-plugin-warmup' }],
    ['of a queue', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    ["of the console's template", { key1: 'value1' }],
    ['that is null', null],
    ['that is a list', []],
    ['that is a text', 'ping'],
  ])('names the expected event in the answer to an event %s', async (_what, sent) => {
    const serving = await createTestServing();

    const { statusCode, body } = await inferHandler(serving)(sent, invocation);

    expect(statusCode).toBe(400);
    expect(JSON.parse(String(body))).toEqual({
      error: expect.stringContaining('API Gateway (payload format 2.0 or 1.0)'),
      code: 'INVALID_REQUEST',
      requestId: 'invocation',
    });
    await serving.remove();
  });

  it.each([
    ['an HTTP API with payload format 1.0', { version: '1.0', resource: '/{proxy+}', requestContext: {} }],
    ['a REST API', { resource: '/{proxy+}', requestContext: { stage: 'prod' } }],
    ['a load balancer', { requestContext: { elb: { targetGroupArn: 'arn' } } }],
  ])('answers an event of %s, with headers as lists too', async (_source, parts) => {
    const serving = await createTestServing();

    const request = { httpMethod: 'GET', path: '/v2/health/live', headers: null, body: null, ...parts };
    const answer = await inferHandler(serving)(request, invocation);

    expect(answer).toMatchObject({ statusCode: 200, body: '{"live":true}', isBase64Encoded: false });
    expect(answer.multiValueHeaders?.['content-type']).toEqual(['application/json']);
    await serving.remove();
  });
});

describe('an event of an HTTP API', () => {
  it('becomes a request with its method, path, query and headers', () => {
    const request = requestOf(event({ headers: { 'Content-Type': 'image/jpeg' } }));

    expect(request).toMatchObject({
      ...{ method: 'POST', path: '/models/m', query: 'top_k=3&a=b%20c' },
      headers: { 'content-type': 'image/jpeg' },
    });
  });

  it('gives binary bodies back byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 128, 13, 10]);

    const request = requestOf(event({ body: bytes.toString('base64'), isBase64Encoded: true }));

    expect(bytes.equals((await request.readBody()) as Uint8Array)).toBe(true);
  });

  it('gives text back as it is', async () => {
    expect(await requestOf(event({ body: 'ünï 日本' })).readBody()).toBe('ünï 日本');
  });

  it.each(['GET', 'HEAD'])('has no body when it is a %s', async (method) => {
    expect(await requestOf(event({ body: 'ignored' }, method)).readBody()).toBe('');
  });

  it.each([{}, { body: null }, { body: null, isBase64Encoded: true }])('may have no body: %j', async (parts) => {
    expect(await requestOf(event(parts)).readBody()).toHaveLength(0);
  });

  it('may have neither query nor headers', () => {
    expect(requestOf(event({ headers: null, rawQueryString: null }))).toMatchObject({ query: '', headers: {} });
  });
});

describe('the caller of a request', () => {
  const callerOf = (claims: unknown, scopePrefix?: string) =>
    readHttpEvent(event({}, 'POST', { authorizer: { jwt: { claims, scopes: null } } }), scopePrefix)?.identity;

  it.each([
    ['a text', { scope: 'predict jobs' }],
    ['a list, which API Gateway makes a text of', { scp: '[predict jobs]' }],
  ])('has the scopes of its token, from %s', (_from, claims) => {
    expect(callerOf({ sub: 'alice', ...claims })).toEqual({ holder: 'jwt:alice', scopes: ['predict', 'jobs'] });
  });

  it('has no scope of another service', () => {
    const scope = 'other/admin onnx/predict';
    expect(callerOf({ sub: 'alice', scope }, 'onnx/')?.scopes).toEqual(['predict']);
    expect(callerOf({ sub: 'alice', scope })?.scopes).toEqual(['other/admin', 'onnx/predict']);
  });

  it.each([{}, { sub: '' }, { sub: 5 }, null])('is nobody without the subject of a token: %j', (claims) => {
    expect(callerOf(claims)).toBeUndefined();
  });
});

describe('the path of a request', () => {
  it.each([
    ['as it came', { rawPath: '/models/m' }, {}, '/models/m'],
    [
      'below the base path of a custom domain',
      { rawPath: '/ml/v1/models/m', pathParameters: { proxy: 'models/m' } },
      {},
      '/models/m',
    ],
    [
      'below a base path, with a slash at its end',
      { rawPath: '/ml/models/m/', pathParameters: { proxy: 'models/m' } },
      {},
      '/models/m',
    ],
    ['below a stage', { rawPath: '/dev/models/m' }, { stage: 'dev' }, '/models/m'],
    [
      'below a stage, with its parameters',
      { rawPath: '/dev/models/m', pathParameters: { proxy: 'models/m' } },
      { stage: 'dev' },
      '/models/m',
    ],
    [
      'of a model of the same name as its stage',
      { rawPath: '/models/m', pathParameters: { proxy: 'models/m' } },
      { stage: 'models' },
      '/models/m',
    ],
    [
      'of a route of one model',
      {
        routeKey: 'POST /models/big/{proxy+}',
        rawPath: '/ml/models/big/versions/2',
        pathParameters: { proxy: 'versions/2' },
      },
      {},
      '/models/big/versions/2',
    ],
    ['without a route', { routeKey: '$default', rawPath: '/models/m' }, {}, '/models/m'],
  ])('of an HTTP API is read %s', (_how, parts, context, path) => {
    expect(requestOf(event(parts, 'POST', context)).path).toBe(path);
  });

  it('that an HTTP API decoded keeps a percent sign as it is', () => {
    expect(requestOf(event({ rawPath: '/models/%69ris' })).path).toBe('/models/%2569ris');
  });

  it.each([
    ['a function URL', event({ rawPath: '/models/%69ris' }, 'POST', { domainName: FUNCTION_URL })],
    ['a REST API', { httpMethod: 'POST', path: '/models/%69ris', requestContext: { stage: 'prod' } }],
    ['a load balancer', { httpMethod: 'POST', path: '/models/%69ris', requestContext: { elb: {} } }],
  ])('that %s leaves encoded is decoded by the application', (_source, sent) => {
    expect(requestOf(sent).path).toBe('/models/%69ris');
  });
});

describe('the query of payload format 1.0', () => {
  const first = { httpMethod: 'POST', path: '/models/m' };

  it('is encoded again', () => {
    const multiValueQueryStringParameters = { a: ['b c', '&'] };

    expect(requestOf({ ...first, multiValueQueryStringParameters }).query).toBe('a=b+c&a=%26');
  });

  it('stays encoded as a load balancer hands it on', () => {
    const queryStringParameters = { a: 'b%20c' };

    expect(requestOf({ ...first, queryStringParameters, requestContext: { elb: {} } }).query).toBe('a=b%20c');
  });

  it('comes beside headers that are lists', () => {
    const multiValueHeaders = { 'Content-Type': ['text/plain'] };

    expect(requestOf({ ...first, multiValueHeaders }).headers).toEqual({ 'content-type': 'text/plain' });
  });
});
