import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendPlain } from '../../../../cli/targets/send.ts';
import { sendSigned } from '../../../../cli/targets/send-signed.ts';

const SECRET = 'test-secret';
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Signature Version 4, from its documentation. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
const signatureOf = ({ method, url = '', headers }: IncomingMessage, body: Buffer): string => {
  const [, day = '', region = '', service = '', names = ''] =
    /Credential=test-id\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const [path = '', query = ''] = url.split('?');
  const signedHeaders = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonicalQuery = query.split('&').sort().join('&');
  const canonical = [method, path, canonicalQuery, signedHeaders.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${SECRET}`);
  return hmac(key, toSign).toString('hex');
};

let server: Server;
let endpoint: string;
let received: { request: IncomingMessage; body: Buffer };

beforeAll(async () => {
  server = createServer(async (request, response) => {
    received = { request, body: await buffer(request) };
    response.end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test-id', AWS_SECRET_ACCESS_KEY: SECRET });
});

afterAll(async () => {
  await once(server.close(), 'close');
});

const post = {
  method: 'POST',
  headers: { 'content-type': 'image/jpeg' },
  body: Buffer.from([0xff, 0xd8, 0x00, 0x80]),
} as const;

describe('a signed request', () => {
  it.each(['/models/sample', '/models/sample/versions/2?top_k=3', '/models/a.b_c-d?b=x%20y%2Bz&a=%C3%A9'])(
    'a signed request to %s carries the signature that AWS computes from it',
    async (path) => {
      await sendSigned(endpoint, 'eu-central-1')(path, post);
      const { request, body } = received;
      expect(request.url).toBe(path);
      expect(request.headers).toMatchObject({ 'content-type': 'image/jpeg', host: new URL(endpoint).host });
      expect(body).toEqual(post.body);
      const { authorization } = request.headers;
      expect(authorization).toContain('/eu-central-1/execute-api/aws4_request');
      expect(authorization).toMatch(/SignedHeaders=[^,]*\bhost\b/);
      expect(authorization).toContain(`Signature=${signatureOf(request, body)}`);
    },
  );
});

describe('a plain request', () => {
  it('a plain request carries its headers and body, and no credentials', async () => {
    await sendPlain(endpoint, undefined)('/models/sample?top_k=3', post);
    expect(received.request.url).toBe('/models/sample?top_k=3');
    expect(received.request.headers.authorization).toBeUndefined();
    expect(received.body).toEqual(post.body);
  });
});

it('an endpoint that does not answer is named', async () => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  await once(silent.close(), 'close');
  await expect(sendPlain(`http://127.0.0.1:${port}`, undefined)('/models', post)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: expect.stringMatching(new RegExp(`^http://127.0.0.1:${port} does not answer: .*ECONNREFUSED`)),
  });
});
