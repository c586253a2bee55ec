import { tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { publishModel } from '../support/serving.ts';

interface Result {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

let storage: EmbeddedStorage;
let deployed: DeployedFunction;
let locked: DeployedFunction;

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  for (const name of ['add', 'other'])
    await publishModel(createModelRepository(store), name, 'test/fixtures/models/add.onnx');
  await store.write('models/broken/routing.json', '{}', {});
  await publishModel(createModelRepository(store), 'misfit', 'test/fixtures/models/add.onnx', {
    task: 'tabular-regression',
    settings: { columns: 'none' },
  });
  deployed = await deployFunction('docs', storage, tmpdir());
  const streams = {
    STREAM_ENDPOINT: 'https://abc.lambda-url.us-east-1.on.aws/',
    UPLOAD_HOST: 'data.s3.us-east-1.amazonaws.com',
  };
  locked = await deployFunction('docs', storage, tmpdir(), { API_AUTH: 'key', ...streams });
});
afterAll(async () => {
  await deployed.stop();
  await locked.stop();
  await storage.stop();
});

const ask = async (
  method: string,
  path: string,
  { scopes, ...headers }: Record<string, string> = {},
): Promise<Result> => {
  const authorizer = scopes === undefined ? {} : { authorizer: { lambda: { holder: 'alice', scopes } } };
  const requestContext = { http: { method, path }, requestId: 'r', ...authorizer };
  const event = { version: '2.0', rawPath: path, rawQueryString: '', headers, requestContext };
  return (await (scopes === undefined ? deployed : locked).invoke(event)) as Result;
};

const get = (path: string, headers?: Record<string, string>): Promise<Result> => ask('GET', path, headers);

const namesIn = ({ body }: Result): string[] =>
  (JSON.parse(body) as { tags: { name: string }[] }).tags.map(({ name }) => name);

it('answers each event, compressed', async () => {
  for (const [file, event] of await readEvents('docs')) {
    const { statusCode, headers, body, isBase64Encoded } = (await deployed.invoke(event)) as Result;
    expect({ file, statusCode, isBase64Encoded }).toEqual({ file, statusCode: 200, isBase64Encoded: true });
    expect(headers['content-encoding']).toBe('gzip');
    const text = gunzipSync(Buffer.from(body, 'base64')).toString();
    expect(text).toContain(file === 'docs.json' ? '"openapi":"3.1.0"' : '<!doctype html>');
  }
});

it.each([
  ['gzip;q=0', undefined],
  ['identity', undefined],
  ['br, gzip;q=0.5', 'gzip'],
])('answers a client with accept-encoding %s as it wants, and tells caches so', async (coding, expected) => {
  for (const path of ['/', '/openapi.json']) {
    const { headers } = await get(path, { 'accept-encoding': coding });
    expect([headers['content-encoding'], headers.vary]).toEqual([expected, 'accept-encoding']);
  }
});

const assetOf = ({ body }: Result): string => /"(\/docs\/[^"]+)"/.exec(body)?.[1] ?? '';

it('answers HEAD as GET, less the body, and names these methods to any other one', async () => {
  for (const path of ['/', '/reference', '/openapi.json', assetOf(await get('/')), '/docs/none']) {
    for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
      const { body, isBase64Encoded: _form, ...whole } = await get(path, headers);
      expect(body).not.toBe('');
      expect(await ask('HEAD', path, headers)).toEqual({ ...whole, body: '', isBase64Encoded: false });
    }
    for (const [method, status] of [
      ['POST', 405],
      ['TRACE', 405],
      ['OPTIONS', 204],
    ] as const) {
      const { statusCode, headers } = await ask(method, path, { 'accept-encoding': 'gzip' });
      expect({ path, method, statusCode, allow: headers.allow }).toEqual({
        ...{ path, method, statusCode: status },
        allow: 'GET, HEAD',
      });
    }
  }
});

it('does not send again what a browser has, in any coding', async () => {
  for (const path of ['/', '/reference', '/openapi.json']) {
    const { headers } = await get(path, { 'accept-encoding': 'gzip' });
    const etag = headers.etag ?? '';
    for (const known of [etag, `"other", ${etag}`]) {
      const again = await get(path, { 'if-none-match': known, 'accept-encoding': 'gzip' });
      expect(again).toMatchObject({ statusCode: 304, body: '', headers: { etag, vary: 'accept-encoding' } });
    }
    expect(await get(path, { 'if-none-match': '"other"' })).toMatchObject({ statusCode: 200, headers: { etag } });
  }
});

it('describes every model but broken ones, of which the log tells', async () => {
  expect(namesIn(await get('/openapi.json'))).toEqual(['Server', 'add', 'other']);
  for (const name of ['broken', 'misfit']) {
    const warning = `the document leaves out the model ${name}`;
    expect(await deployed.untilLogged((line) => JSON.stringify(line).includes(warning))).not.toEqual([]);
  }
});

it('describes every model to a caller whose signature API Gateway has checked', async () => {
  const event = (await readEvents('docs')).get('docs.json') as { readonly requestContext: object };
  const authorizer = { iam: { callerId: 'AROAEXAMPLE:alice', accountId: '123456789012' } };
  const signed = { ...event, headers: {}, requestContext: { ...event.requestContext, authorizer } };
  expect(namesIn((await deployed.invoke(signed)) as Result)).toEqual(['Server', 'add', 'other']);
});

it.each([
  ['predict', ['Server', 'add', 'other']],
  ['predict:add admin', ['Server', 'add']],
  ['jobs', ['Server']],
])('describes to a caller with the scopes %j what they allow', async (scopes, names) => {
  expect(namesIn(await get('/openapi.json', { scopes }))).toEqual(names);
});

it('answers the page with files that it names, which browsers may keep', async () => {
  const { body, headers } = await get('/');
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
  const files = [...body.matchAll(/"(\/docs\/[0-9a-f]{12}\/[\w.]+)"/g)].map(([, path = '']) => path);
  expect(files).toHaveLength(3);
  for (const path of files) {
    const file = await get(path);
    expect({ path, status: file.statusCode }).toEqual({ path, status: 200 });
    expect(file.headers['cache-control']).toContain('immutable');
  }
});

it('lets the page ask its own address, and the URL of streams and the bucket where the stage tells of them', async () => {
  const policies = await Promise.all([get('/'), get('/', { scopes: '' })]);
  const parts = policies.map(({ headers }) => /connect-src [^;]*/.exec(headers['content-security-policy'] ?? '')?.[0]);
  expect(parts).toEqual([
    "connect-src 'self'",
    "connect-src 'self' https://abc.lambda-url.us-east-1.on.aws data.s3.us-east-1.amazonaws.com",
  ]);
});

it.each(['/docs/0123456789ab/page.js', '/docs/page.js', '/docs/../openapi.json', '/docs/', '/other', '/constructor'])(
  'has no file %s',
  async (path) => {
    const { statusCode, body } = await get(path);
    expect([statusCode, (JSON.parse(body) as { code: string }).code]).toEqual([404, 'NOT_FOUND']);
  },
);

it('answers 503 while the storage does not', async () => {
  const alone = await deployFunction('docs', { ...storage, endpoint: 'http://127.0.0.1:9' }, tmpdir());
  try {
    const event = (await readEvents('docs')).get('docs-page.json');
    expect(await alone.invoke(event)).toMatchObject({ statusCode: 200 });
    const refused = (await alone.invoke((await readEvents('docs')).get('docs.json'))) as Result;
    expect(refused.statusCode).toBe(503);
  } finally {
    await alone.stop();
  }
});
