import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { authoriseByScopes } from '../../src/http/authorise.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const ROW = '5.1,3.5,1.4,0.2\n';

let storage: EmbeddedStorage;
let serving: TestServing;
beforeAll(async () => {
  storage = await startEmbeddedStorage();
  serving = await createTestServing({ data: createS3Store(createTestS3Client(storage.endpoint), storage.dataBucket) });
  for (const name of ['iris', 'tabular-ridge']) await pushNamed(serving.repository, name);
});
afterAll(async () => {
  await serving.remove();
  await storage.stop();
});

const post = async (path: string, body: unknown, scope = 'predict:iris', more: Record<string, string> = {}) => {
  const application = toFetch(createApplication(serving, { authorise: authoriseByScopes }));
  const headers = { 'content-type': 'application/json', ...more };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const identity = { holder: 'alice', scopes: [scope] };
  const context = { requestId: 'request', deadline: deadlineAt(Date.now() + 60_000), identity };
  const response = await application(new Request(`http://test${path}`, init), context);
  return { status: response.status, body: JSON.parse(await response.text()) };
};

const FILE = { model: 'iris', name: 'row.csv', sizeBytes: 16, contentType: 'text/csv' };
const sha256 = createHash('sha256').update(ROW).digest('hex');

describe('a URL of POST /uploads', () => {
  const open = async (more: Record<string, unknown> = {}) => (await post('/uploads', { ...FILE, ...more })).body;
  const put = async (url: string, headers: Record<string, string>, body = ROW) => {
    const response = await fetch(url, { method: 'PUT', headers, body });
    return [response.status, /<Code>(\w+)/.exec(await response.text())?.[1]];
  };

  it('takes an object, to which a request then refers', async () => {
    const { s3, url, headers } = await open({ sha256 });
    expect(s3).toMatch(/^inputs\/iris\/[0-9a-f]{32}\/row[.]csv$/);
    expect(await put(url, headers)).toEqual([200, undefined]);
    const { status, body } = await post('/models/iris', { inputs: { s3 } });
    expect([status, body[0][0].label]).toEqual([200, 'setosa']);
  });

  it('takes an upload when the caller wants it predicted, and has the URL of its result', async () => {
    const { s3, url, headers, resultUrl } = await open({ predict: true });
    expect(s3).toMatch(/^uploads\/iris\//);
    expect(await put(url, headers)).toEqual([200, undefined]);
    expect((await fetch(resultUrl)).status).toBe(404);
    await serving.data.write(`${s3.replace('uploads', 'results')}.json`, '{}');
    expect((await fetch(resultUrl)).status).toBe(200);
  });

  it.each([
    ['another size', { 'content-type': 'text/csv' }, `${ROW}${ROW}`, [403, 'SignatureDoesNotMatch']],
    ['another type', { 'content-type': 'text/html' }, ROW, [403, 'SignatureDoesNotMatch']],
    ['no checksum', { 'x-amz-checksum-sha256': '' }, ROW, [403, 'SignatureDoesNotMatch']],
    ['other bytes', {}, ROW.replace('5', '6'), [400, 'BadDigest']],
  ])('refuses %s', async (_what, changed, body, expected) => {
    const { url, headers } = await open({ sha256 });
    const { 'content-length': _length, ...others } = headers;
    expect(await put(url, { ...others, ...changed }, body)).toEqual(expected);
  });

  it('refuses another key, and holds for a quarter of an hour', async () => {
    const { url, headers, expires } = await open();
    expect(await put(url.replace('/iris/', '/tabular-ridge/'), headers)).toEqual([403, 'SignatureDoesNotMatch']);
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('900');
    expect(Math.round((Date.parse(expires) - Date.now()) / 60_000)).toBe(15);
  });

  it.each([
    ['a model out of its scopes', { model: 'tabular-ridge' }, 403],
    ['a model that there is not', { model: 'nothing' }, 403],
    ['a path for a name', { name: '../row.csv' }, 400],
    ['a name without a text', { name: { toString: 1 } }, 400],
    ['no size', { sizeBytes: undefined }, 400],
    ['a size of 0', { sizeBytes: 0 }, 400],
    ['51 MiB', { sizeBytes: 51 * 1024 * 1024 }, 413],
    ['11 MiB of JSON', { name: 'a.json', sizeBytes: 11 * 1024 * 1024 }, 413],
    ['a header in its type', { contentType: 'text/csv\r\nx-amz-acl: public-read' }, 400],
    ['a checksum of another kind', { sha256: 'abc' }, 400],
    ['a key that is not known', { acl: 'public-read' }, 400],
  ])('is not made for %s', async (_what, changed, status) => {
    expect((await post('/uploads', { ...FILE, ...changed })).status).toBe(status);
  });

  it('is not made for a model that there is not, whatever the scopes', async () => {
    expect((await post('/uploads', { ...FILE, model: 'nothing' }, 'predict')).status).toBe(404);
  });
});

describe('an answer with a place', () => {
  const inputs = [[5.1, 3.5, 1.4, 0.2]];
  const output = { s3: 'outputs/iris/one.json' };

  it('is written there, never over another object, and read by its URL', async () => {
    const { status, body } = await post('/models/iris', { inputs, output });
    expect(status).toBe(201);
    expect(body.output).toMatchObject({ ...output, contentType: 'application/json' });
    const stored = await (await fetch(body.output.url)).text();
    expect(JSON.parse(stored)).toEqual((await post('/models/iris', { inputs })).body);
    expect(body.output.sizeBytes).toBe(Buffer.byteLength(stored));
    expect((await post('/models/iris', { inputs, output })).status).toBe(409);
  });

  it('is found by a write that is tried again after a lost answer', async () => {
    const lost: TestServing = {
      ...serving,
      data: {
        ...serving.data,
        write: async (...args) => {
          await serving.data.write(...args);
          return serving.data.write(...args);
        },
      },
    };
    const application = toFetch(createApplication(lost));
    const body = JSON.stringify({ inputs, output: { s3: 'outputs/iris/lost.json' } });
    const request = new Request('http://test/models/iris', { method: 'POST', body });
    const context = { requestId: 'request', deadline: deadlineAt(Date.now() + 60_000) };
    expect((await application(request, context)).status).toBe(201);
  });

  it.each([
    ['below another model', 'outputs/tabular-ridge/a.json', 403],
    ['where uploads are answered', 'results/iris/a.json', 400],
    ['that climbs', 'outputs/iris/../tabular-ridge/a.json', 400],
    ['with a NUL', 'outputs/iris/\0', 400],
    ['with a line break', 'outputs/iris/a\nb', 400],
    ['that is a folder', 'outputs/iris/', 400],
  ])('is refused %s', async (_what, s3, status) => {
    expect((await post('/models/iris', { inputs, output: { s3 } })).status).toBe(status);
  });

  it('is refused with a field that is not known', async () => {
    const wrong = { inputs, output: { ...output, expires: 5 } };
    expect(await post('/models/iris', wrong)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });

  it('is refused in chunks, in a job that keeps its own, and in an object that a request refers to', async () => {
    const events = { accept: 'text/event-stream' };
    expect((await post('/models/iris', { inputs, output: { s3: 'outputs/iris/b' } }, 'predict', events)).status).toBe(
      400,
    );
    await serving.data.write('inputs/iris/request.json', JSON.stringify({ inputs, output }));
    expect((await post('/models/iris', { inputs: { s3: 'inputs/iris/request.json' } })).status).toBe(400);
  });
});
