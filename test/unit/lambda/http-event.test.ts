import { describe, expect, it } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { toRequest } from '../../../src/lambda/http-event.ts';
import { inferHandler } from '../../../src/lambda/infer.ts';
import { createTestServing, publishModel } from '../../support/serving.ts';

const event = (overrides: Partial<APIGatewayProxyEventV2> = {}, method = 'POST'): APIGatewayProxyEventV2 =>
  ({
    version: '2.0',
    rawPath: '/models/m',
    rawQueryString: 'top_k=3&a=b%20c',
    headers: { 'content-type': 'image/jpeg', host: 'api.example' },
    requestContext: { domainName: 'api.example', http: { method }, timeEpoch: 0, requestId: 'r' },
    isBase64Encoded: false,
    ...overrides,
  }) as APIGatewayProxyEventV2;

describe('an answer that Lambda cannot carry', () => {
  it('is refused with what to do', async () => {
    const serving = await createTestServing();
    await publishModel(serving.repository, 'repeat', 'test/fixtures/models/repeat-string.onnx');
    const inputs = [{ name: 'text', shape: [1], datatype: 'BYTES', data: ['x'.repeat(4_000_000)] }];
    const context = { getRemainingTimeInMillis: () => 30_000 } as Context;

    const { requestContext } = event();
    const request = event({
      rawPath: '/v2/models/repeat/infer',
      headers: {},
      requestContext: { ...requestContext, timeEpoch: Date.now() },
      body: JSON.stringify({ inputs }),
    });
    const { statusCode, body } = await inferHandler(serving)(request, context);

    expect(statusCode).toBe(413);
    expect(JSON.parse(String(body)).error).toContain('fewer');
    await serving.remove();
  });
});

describe('an event of API Gateway', () => {
  it('becomes a request with its method, path, query and headers', () => {
    const request = toRequest(event({ headers: { 'Content-Type': 'image/jpeg' } }));

    expect(request).toMatchObject({
      ...{ method: 'POST', path: '/models/m', query: 'top_k=3&a=b%20c' },
      headers: { 'content-type': 'image/jpeg' },
    });
  });

  it('gives binary bodies back byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 128, 13, 10]);

    const request = toRequest(event({ body: bytes.toString('base64'), isBase64Encoded: true }));

    expect(bytes.equals((await request.readBody()) as Uint8Array)).toBe(true);
  });

  it('gives text back as it is', async () => {
    expect(await toRequest(event({ body: 'ünï 日本' })).readBody()).toBe('ünï 日本');
  });

  it.each(['GET', 'HEAD'])('has no body when it is a %s', async (method) => {
    expect(await toRequest(event({ body: 'ignored' }, method)).readBody()).toBe('');
  });

  it('may have no body at all', async () => {
    expect(await toRequest(event()).readBody()).toBe('');
  });
});
