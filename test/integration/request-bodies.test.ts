import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const TEXT = 'I love it, café';
const DOCUMENT = JSON.stringify({ inputs: TEXT });
const UTF_8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const JSON_TYPE = { 'content-type': 'application/json' };
const plain = (charset: string) => ({ 'content-type': `text/plain; charset=${charset}` });
const encoded = (coding: string) => ({ ...JSON_TYPE, 'content-encoding': coding });

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['sentiment', 'tiny-bert-sentences', 'iris']) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

/** A body of bytes has no content type of its own. */
const post = (body: string | Uint8Array, headers: Record<string, string> = {}, path = '/models/sentiment') =>
  serving.fetch(path, { method: 'POST', body: Buffer.from(body), headers });

const answerOf = async (response: Response): Promise<unknown> => {
  const answer: unknown = await response.json();
  expect({ status: response.status, answer }).toEqual({ status: 200, answer });
  return answer;
};
const refusalOf = async (response: Response) => {
  const { code, error } = (await response.json()) as { code: string; error: string };
  return { status: response.status, code, error };
};

describe('a body', () => {
  it.each<[string, () => Promise<Response>]>([
    ['JSON without a content type', () => post(DOCUMENT)],
    ['JSON after spaces, without a content type', () => post(`\r\n ${DOCUMENT}`)],
    ['JSON as application/octet-stream', () => post(DOCUMENT, { 'content-type': 'application/octet-stream' })],
    ['JSON as text/json', () => post(DOCUMENT, { 'content-type': 'Text/JSON; charset=utf-8' })],
    ['JSON as curl -d sends it', () => post(DOCUMENT, { 'content-type': 'application/x-www-form-urlencoded' })],
    ['JSON as fetch sends it', () => serving.fetch('/models/sentiment', { method: 'POST', body: DOCUMENT })],
    ['JSON after a byte-order mark', () => post(Buffer.concat([UTF_8_MARK, Buffer.from(DOCUMENT)]), JSON_TYPE)],
    ['JSON after a byte-order mark, without a content type', () => post(`\ufeff${DOCUMENT}`)],
    [
      'JSON in UTF-16',
      () => post(Buffer.from(DOCUMENT, 'utf16le'), { 'content-type': 'application/json; charset=utf-16le' }),
    ],
    ['text after a byte-order mark', () => post(`\ufeff${TEXT}`, plain('utf-8'))],
    ['text in UTF-8 by another name', () => post(TEXT, plain('"UTF8"'))],
    ['text in UTF-16LE', () => post(Buffer.from(TEXT, 'utf16le'), plain('utf-16le'))],
    ['text in UTF-16LE with a mark', () => post(Buffer.from(`\ufeff${TEXT}`, 'utf16le'), plain('UTF-16'))],
    ['text in UTF-16BE with a mark', () => post(Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16(), plain('utf-16'))],
    ['text in Latin-1', () => post(Buffer.from(TEXT, 'latin1'), plain('ISO-8859-1'))],
    ['gzip', () => post(gzipSync(DOCUMENT), encoded('gzip'))],
    ['gzip without a content type', () => post(gzipSync(DOCUMENT), { 'content-encoding': 'x-gzip' })],
    [
      'gzip of text in Latin-1',
      () => post(gzipSync(Buffer.from(TEXT, 'latin1')), { ...plain('latin1'), 'content-encoding': 'GZIP' }),
    ],
    ['deflate', () => post(deflateSync(DOCUMENT), encoded('deflate'))],
    ['deflate without a header of zlib', () => post(deflateRawSync(DOCUMENT), encoded('deflate'))],
    ['the identity coding', () => post(DOCUMENT, encoded('identity'))],
    ['a path with slashes at its end', () => post(TEXT, plain('utf-8'), '/models/sentiment//')],
  ])('in %s is answered as its text', async (_form, send) => {
    const expected = await answerOf(await post(TEXT, plain('utf-8')));

    expect(await answerOf(await send())).toEqual(expected);
  });

  it.each<[number, string, string, () => Promise<Response>]>([
    [400, 'a list without a content type', '"inputs"', () => post('["a", "b"]')],
    [400, 'broken JSON without a content type', 'not JSON', () => post('{"inputs": "a"')],
    [
      415,
      'a form',
      'x-www-form-urlencoded',
      () => post('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    [415, 'a charset that is not known', '"utf-32"', () => post(TEXT, plain('utf-32'))],
    [400, 'half a character of UTF-16', 'utf-16le', () => post(Buffer.from([0x41, 0, 0x42]), plain('utf-16le'))],
    [415, 'a coding that is not decoded', '"br"', () => post(DOCUMENT, encoded('br'))],
    [415, 'two codings', '"gzip, gzip"', () => post(gzipSync(gzipSync(DOCUMENT)), encoded('gzip, gzip'))],
    [415, 'a coding without end', '…', () => post(DOCUMENT, encoded('x'.repeat(10_000)))],
    [400, 'a body that is no gzip', 'no whole gzip', () => post(DOCUMENT, encoded('gzip'))],
    [400, 'half a gzip', 'no whole gzip', () => post(gzipSync(DOCUMENT).subarray(0, 20), encoded('gzip'))],
    [400, 'an empty body that claims to be gzip', 'empty', () => post('', encoded('gzip'))],
    [413, 'a gzip that inflates to 128 MB', '10485760', () => post(gzipSync(Buffer.alloc(2 ** 27)), encoded('gzip'))],
    [
      413,
      'a deflate that inflates beyond the limit',
      '10485760',
      () => post(deflateSync(Buffer.alloc(2 ** 24)), encoded('deflate')),
    ],
  ])('is refused with %i for %s', async (status, _what, hint, send) => {
    const refusal = await refusalOf(await send());

    expect(refusal).toMatchObject({ status, error: expect.stringContaining(hint) });
    expect(refusal.error.length).toBeLessThan(400);
  });

  it.each([
    ['JSON without inputs', '{"a": "I love it"}', 'text/plain;charset=UTF-8'],
    ['text in braces', '{I love it}', 'text/plain;charset=UTF-8'],
    ['a list', '["I love it"]', 'text/plain;charset=UTF-8'],
    ['JSON with inputs', DOCUMENT, 'text/plain'],
  ])('is answered as a text when it is %s of a type that is text: %s', async (_what, body, type) => {
    const asText = await answerOf(await post(JSON.stringify({ inputs: body }), JSON_TYPE));

    expect(await answerOf(await post(body, { 'content-type': type }))).toEqual(asText);
  });

  it('of tensors may be in gzip', async () => {
    const inputs = [{ name: 'X', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }];

    const response = await post(gzipSync(JSON.stringify({ inputs })), encoded('gzip'), '/v2/models/iris/infer');

    expect(response.status).toBe(200);
  });
});

describe('keys beside "inputs"', () => {
  const SENTENCES = '/models/tiny-bert-sentences';
  const vectorOf = async (document: unknown): Promise<number[]> => {
    const answer = (await answerOf(await post(JSON.stringify(document), JSON_TYPE, SENTENCES))) as number[];
    return answer.flat(2);
  };

  it('are parameters', async () => {
    const [beside, inside] = await Promise.all([
      vectorOf({ inputs: TEXT, pooling: 'mean', normalize: true }),
      vectorOf({ inputs: TEXT, parameters: { pooling: 'mean', normalize: true } }),
    ]);

    expect(beside).toEqual(inside);
    expect(Math.hypot(...beside)).toBeCloseTo(1, 5);
  });

  it('count less than the same parameter in "parameters"', async () => {
    const both = { inputs: TEXT, normalize: false, parameters: { normalize: true } };

    expect(Math.hypot(...(await vectorOf(both)))).toBeCloseTo(1, 5);
  });

  it('may be "options" and "model", and "parameters" may be null', async () => {
    const sent = { inputs: TEXT, options: { wait_for_model: true }, model: 'm', parameters: null };

    expect(await vectorOf(sent)).toEqual(await vectorOf({ inputs: TEXT }));
  });

  it.each([
    ['a task', { inputs: TEXT, normalise: true }, SENTENCES],
    ['another task', { inputs: [[1, 2, 3, 4]], normalise: true }, '/models/iris'],
  ])('are refused by name when %s does not know them', async (_what, document, path) => {
    const refusal = await refusalOf(await post(JSON.stringify(document), JSON_TYPE, path));

    expect(refusal).toMatchObject({ status: 400, error: expect.stringContaining('"normalise"') });
  });
});

describe('a reference to an upload', () => {
  const SECRET = 'my secret diary';
  const refer = (s3: string, path = '/models/sentiment') => post(JSON.stringify({ inputs: { s3 } }), JSON_TYPE, path);

  it.each([
    [{ s3: 'uploads/sentiment/a', bucket: 'other' }, '"bucket" beside "s3" is not known'],
    [{ s3: 'uploads/sentiment/a\0b' }, '"s3" is "uploads'],
  ])('%j is refused', async (inputs, error) => {
    const refusal = await refusalOf(await post(JSON.stringify({ inputs }), JSON_TYPE, '/models/sentiment'));
    expect(refusal).toMatchObject({ status: 400, error: expect.stringContaining(error) });
  });

  it.each([
    ['a list that is no JSON Lines', 'x.jsonl', `${SECRET}\n`],
    ['a document that is no JSON', 'x.json', SECRET],
    ['a document without inputs', 'y.json', JSON.stringify({ [SECRET]: 1 })],
    ['a document with an unknown parameter', 'z.json', JSON.stringify({ inputs: 'a', [SECRET]: 1 })],
    ['a document with a wrong parameter', 'p.json', JSON.stringify({ inputs: 'a', parameters: { top_k: SECRET } })],
    ['inputs of a wrong kind', 'k.json', JSON.stringify({ inputs: [{ [SECRET]: 1 }] })],
  ])('is refused without a word of its content when it is %s', async (_what, name, content) => {
    await serving.data.write(`uploads/sentiment/${name}`, content);
    serving.observations.length = 0;

    const { status, error } = await refusalOf(await refer(`uploads/sentiment/${name}`));

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(error).toContain(`uploads/sentiment/${name}`);
    expect(error).not.toMatch(/secret|diary|my s/);
    expect(serving.observations[0]?.failures[0]?.operator).toBeDefined();
  });

  it('for rows of another kind says nothing of them', async () => {
    await serving.data.write('uploads/iris/rows.csv', `${SECRET},b,c,d\n1,2,3,4\n`);

    const { status, error } = await refusalOf(await refer('uploads/iris/rows.csv', '/models/iris'));

    expect(status).toBe(422);
    expect(error).not.toContain('secret');
  });

  it('for another model is refused before it is read', async () => {
    await serving.data.write('uploads/iris/there.jsonl', SECRET);

    const [there, absent] = await Promise.all([refer('uploads/iris/there.jsonl'), refer('uploads/iris/absent.jsonl')]);

    expect([there.status, absent.status]).toEqual([403, 403]);
    expect(await there.text()).not.toContain('secret');
  });

  it('for another model is answered in a stage that allows all', async () => {
    const open = await createTestServing({ data: serving.data }, { references: 'all' });
    await pushNamed(open.repository, 'sentiment');
    await serving.data.write('uploads/iris/text.txt', TEXT);

    const response = await open.fetch('/models/sentiment', {
      ...{ method: 'POST', headers: JSON_TYPE },
      body: JSON.stringify({ inputs: { s3: 'uploads/iris/text.txt' } }),
    });

    expect(response.status).toBe(200);
    await open.remove();
  });
});

describe('the id of a request', () => {
  const idOf = async (id: string) => {
    const response = await serving.fetch('/models/none', {
      method: 'POST',
      headers: { 'x-request-id': id },
      body: 'x',
    });
    const { requestId } = (await response.json()) as { requestId: string };
    return [response.headers.get('x-request-id'), requestId];
  };

  it('is the one that its caller sends, in the header, the error and the log', async () => {
    serving.observations.length = 0;

    expect(await idOf('caller-1')).toEqual(['caller-1', 'caller-1']);
    expect(serving.observations[0]).toMatchObject({
      requestId: 'caller-1',
      gatewayRequestId: expect.stringMatching(/^request-/),
    });
  });

  it.each(['x'.repeat(129), 'a b', 'é'])("is the server's own in the place of %j", async (id) => {
    expect(await idOf(id)).toEqual([expect.stringMatching(/^request-/), expect.stringMatching(/^request-/)]);
  });
});

it('OPTIONS on a route is answered with its methods', async () => {
  const response = await serving.fetch('/models/sentiment', { method: 'OPTIONS' });

  expect([response.status, response.headers.get('allow')]).toEqual([204, 'POST']);
});
