import { readFile } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { createTestServing, publishSample, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

const JPEG = { 'content-type': 'image/jpeg' };
const TIFF = { 'content-type': 'image/tiff' };
const JSON_TYPE = { 'content-type': 'application/json' };

let serving: TestServing;
let coffee: Buffer<ArrayBuffer>;

beforeAll(async () => {
  serving = await createTestServing();
  await publishSample(serving.repository, 'lite0');
  coffee = await readFile(`${SAMPLE_FOLDER}/samples/coffee.jpg`);
  await serving.data.write('uploads/lite0/coffee.jpg', coffee);
});
afterAll(() => serving.remove());
beforeEach(() => {
  serving.observations.length = 0;
});

const post = (
  body: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = JSON_TYPE,
  path = '/models/lite0',
) => serving.fetch(path, { method: 'POST', body, headers });
const postJson = (document: unknown) => post(JSON.stringify(document));
const labels = async (response: Response): Promise<LabelScore[]> => {
  expect(response.status).toBe(200);
  return (await response.json()) as LabelScore[];
};

describe('a picture', () => {
  it('is labelled, best label first, by the version that a header names', async () => {
    const response = await post(coffee, JPEG);

    expect(response.headers.get('x-model-version')).toBe('1');
    const result = await labels(response);
    expect(result).toHaveLength(5);
    expect(result[0]).toEqual({ label: 'espresso', score: expect.closeTo(0.95, 1) });
  });

  it('is recognised by its bytes when the content type says nothing', async () => {
    const result = await labels(await post(coffee, { 'content-type': 'application/octet-stream' }));

    expect(result[0]?.label).toBe('espresso');
  });

  it.each([
    ['base64', () => coffee.toString('base64')],
    ['a data URL', () => `data:image/jpeg;base64,${coffee.toString('base64')}`],
    ['a reference to an upload', () => ({ s3: 'uploads/lite0/coffee.jpg' })],
  ])('comes as %s in JSON', async (_form, inputs) => {
    const result = await labels(await postJson({ inputs: inputs(), parameters: { top_k: 2 } }));

    expect(result.map(({ label }) => label)).toEqual(['espresso', expect.any(String)]);
  });

  it('takes parameters from the query beside a raw body', async () => {
    expect(await labels(await post(coffee, JPEG, '/models/lite0?top_k=3'))).toHaveLength(3);
  });

  it('is answered by an explicit version', async () => {
    expect(await labels(await post(coffee, JPEG, '/models/lite0/versions/1'))).toHaveLength(5);
  });

  it('tells telemetry the model, its version and every stage', async () => {
    await post(coffee, JPEG);

    const [observation] = serving.observations;
    expect(observation).toMatchObject({
      operation: 'POST /models/:name',
      model: 'lite0',
      version: 1,
      batchSize: 1,
      failures: [],
    });
    expect(Object.keys(observation?.stopwatch.stepsMs ?? {})).toEqual([
      'route',
      'decode',
      'load',
      'preprocess',
      'run',
      'postprocess',
      'encode',
    ]);
  });
});

describe('a TIFF of one pixel', () => {
  it.each([
    ['rgb', 3, 8],
    ['rgb', 3, 16],
    ['cmyk', 4, 8],
  ] as const)('in %s of %i channels of %i bits is labelled', async (photometric, channels, bits) => {
    expect(await labels(await post(onePixelTiff(photometric, channels, bits), TIFF))).toHaveLength(5);
  });
});

describe('a list of models', () => {
  it('names version and task', async () => {
    const response = await serving.fetch('/models');

    expect(await response.json()).toEqual({ models: [{ name: 'lite0', version: 1, task: 'image-classification' }] });
  });

  it('says of a broken one that it is, and names the others', async () => {
    await serving.repository.store.write('models/broken/routing.json', '{');
    await serving.repository.store.write('models/bad name/x', 'x');

    const response = await serving.fetch('/models');

    expect(await response.json()).toEqual({
      models: [
        { name: 'bad name', error: 'INVALID_REQUEST' },
        { name: 'broken', error: 'MODEL_INVALID' },
        { name: 'lite0', version: 1, task: 'image-classification' },
      ],
    });
  });
});

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';

const pngChunk = (type: string, data: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.byteLength);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(Buffer.concat([Buffer.from(type), data])));
  return Buffer.concat([length, Buffer.from(type), data, checksum]);
};

/** A few bytes that are a valid PNG of so many black pixels, but for their end. */
const pngBomb = (width: number, height: number): Buffer<ArrayBuffer> => {
  const header = Buffer.from('00000000000000000802000000', 'hex');
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(Buffer.alloc(100_000)))]);
};

const damagedTiff = async (): Promise<Buffer<ArrayBuffer>> => {
  const tiff = await sharp(coffee).resize(160, 120).tiff({ compression: 'lzw' }).toBuffer();
  return Buffer.from(tiff.map((byte, at) => (at >= 300 && at < 364 ? (at * 37) & 255 : byte)));
};
const PHOTOMETRIC = { rgb: 2, cmyk: 5 };

/** A TIFF of one pixel, uncompressed. */
const onePixelTiff = (photometric: keyof typeof PHOTOMETRIC, channels: number, bits: number): Buffer<ArrayBuffer> => {
  const pixelBytes = (channels * bits) / 8;
  const bitsAt = 8 + 2 + 9 * 12 + 4;
  const tiff = Buffer.alloc(bitsAt + 2 * channels + pixelBytes, 7);
  tiff.write('II*\0', 'latin1');
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(9, 8);
  const fields = {
    ...{ 256: 1, 257: 1, 258: bitsAt, 259: 1, 262: PHOTOMETRIC[photometric] },
    ...{ 273: bitsAt + 2 * channels, 277: channels, 278: 1, 279: pixelBytes },
  };
  Object.entries(fields).forEach(([name, value], index) => {
    const tag = Number(name);
    const at = 10 + 12 * index;
    tiff.writeUInt16LE(tag, at);
    tiff.writeUInt16LE(tag === 258 ? 3 : 4, at + 2);
    tiff.writeUInt32LE(tag === 258 ? channels : 1, at + 4);
    tiff.writeUInt32LE(value, at + 8);
  });
  tiff.writeUInt32LE(0, bitsAt - 4);
  for (let channel = 0; channel < channels; channel += 1) tiff.writeUInt16LE(bits, bitsAt + 2 * channel);
  return tiff;
};

describe('bad input', () => {
  const json = (document: unknown) => JSON.stringify(document);
  const image = (parameters: Record<string, unknown>) => () =>
    post(json({ inputs: coffee.toString('base64'), parameters }), JSON_TYPE);

  it.each<[number, string, string, () => Promise<Response>]>([
    [400, 'a name that was encoded twice', '%6cite0', () => post(coffee, JPEG, '/models/%256cite0')],
    [400, 'an empty body', 'empty', () => post('', JPEG)],
    [400, 'an empty JSON body', 'empty', () => post('')],
    [400, 'what is not JSON', 'not JSON', () => post('{"inputs":')],
    [400, 'NaN in JSON', 'not JSON', () => post('{"inputs": [NaN]}')],
    [400, 'Infinity in JSON', 'not JSON', () => post('{"inputs": "", "parameters": {"top_k": Infinity}}')],
    [400, 'invalid UTF-8', 'not UTF-8', () => post(Buffer.from([0x7b, 0xff, 0x7d]))],
    [400, 'JSON without inputs', '"inputs"', () => post('{}')],
    [400, 'JSON that is no object', '"inputs"', () => post('[1]')],
    [400, 'inputs that are a number', '"inputs"', () => post('{"inputs": 1}')],
    [400, 'base64 rubbish', 'base64', () => post('{"inputs": "%%%"}')],
    [400, 'spaces for base64, and something else', 'base64', () => post(`{"inputs": "${' '.repeat(250_000)}!"}`)],
    [
      400,
      'an integer beyond 2^53 for top_k',
      '12345678901234567890',
      () => post('{"inputs": "AAAA", "parameters": {"top_k": 12345678901234567890}}'),
    ],
    [
      400,
      'an integer beyond 2^53 for a reference',
      '12345678901234567890',
      () => post('{"inputs": {"s3": 12345678901234567890}}'),
    ],
    [400, 'a reference longer than a key', 'uploads/', () => post(`{"inputs": {"s3": "uploads/${'x'.repeat(1024)}"}}`)],
    [400, 'a reference that is no Unicode', 'uploads/', () => post('{"inputs": {"s3": "uploads/\\ud800"}}')],
    [
      400,
      'parameters nested without end',
      'nested too deep',
      () => post(`{"inputs": "AAAA", "parameters": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    ],
    [
      400,
      'a parameter of a name without end',
      'unknown',
      () => post(JSON.stringify({ inputs: 'AAAA', parameters: { ['x'.repeat(1_000_000)]: 1 } })),
    ],
    [400, 'an empty string', 'base64', () => post('{"inputs": ""}')],
    [400, 'a data URL without base64', 'base64', () => post('{"inputs": "data:image/jpeg,abc"}')],
    [400, 'parameters that are a list', '"parameters"', () => post('{"inputs": "AAAA", "parameters": []}')],
    [400, 'an unknown parameter', '"topk"', image({ topk: 1 })],
    [400, 'top_k −1', '-1', image({ top_k: -1 })],
    [400, 'top_k 0', 'is 0', image({ top_k: 0 })],
    [400, 'top_k 1e9', '1000000000', image({ top_k: 1e9 })],
    [400, 'top_k 1.5', '1.5', image({ top_k: 1.5 })],
    [400, 'top_k "x"', '"x"', image({ top_k: 'x' })],
    [400, 'top_k x in the query', '"x"', () => post(coffee, JPEG, '/models/lite0?top_k=x')],
    [400, 'a reference outside uploads/', 'uploads/', () => post('{"inputs": {"s3": "results/lite0/a.json"}}')],
    [400, 'a reference with ..', 'uploads/', () => post('{"inputs": {"s3": "uploads/../models/x"}}')],
    [400, 'a reference that is a URL', 'uploads/', () => post('{"inputs": {"s3": "s3://other/uploads/a"}}')],
    [400, 'a reference that is a number', 'uploads/', () => post('{"inputs": {"s3": 1}}')],
    [404, 'a reference to nothing', 'does not exist', () => post('{"inputs": {"s3": "uploads/lite0/nothing.jpg"}}')],
    [404, 'an unknown model', 'no model unknown', () => post(coffee, JPEG, '/models/unknown')],
    [404, 'an unknown version', 'version 2', () => post(coffee, JPEG, '/models/lite0/versions/2')],
    [404, 'a version that is no number', '"latest"', () => post(coffee, JPEG, '/models/lite0/versions/latest')],
    [
      403,
      'a reference to an upload for another model',
      'below "uploads/lite0/"',
      () => post('{"inputs": {"s3": "uploads/lite01/x.jpg"}}'),
    ],
    [404, 'a path without end', '…', () => serving.fetch(`/${'x'.repeat(100_000)}`)],
    [404, 'an alias without end', 'no alias', () => post(coffee, JPEG, `/models/lite0/aliases/${'x'.repeat(100_000)}`)],
    [405, 'a method without end', 'not allowed', () => serving.fetch('/models/lite0', { method: 'X'.repeat(10_000) })],
    [
      415,
      'a content type without end',
      'no image',
      () => post(coffee, { 'content-type': `text/${'x'.repeat(10_000)}` }),
    ],
    [
      415,
      'a data URL of a type without end',
      'no image',
      () => post(`{"inputs": "data:text/${'x'.repeat(200)};base64,aGVsbG8="}`),
    ],
    [404, 'an unknown route', '/nothing', () => serving.fetch('/nothing')],
    [400, 'a model name that is a path', 'not allowed', () => post(coffee, JPEG, '/models/..%2F..%2Fsecret')],
    [405, 'a wrong method', 'POST', () => serving.fetch('/models/lite0')],
    [413, 'a body above the limit', 'uploads/', () => post(Buffer.alloc(10 * 1024 * 1024 + 1), JPEG)],
    [
      413,
      'a PNG that claims 50,000×50,000 pixels',
      '50000',
      () => post(pngBomb(50_000, 50_000), { 'content-type': 'image/png' }),
    ],
    [415, 'an SVG by its content type', 'svg', () => post(svg, { 'content-type': 'image/svg+xml' })],
    [415, 'an SVG by its bytes', '', () => post(svg, { 'content-type': 'image/png' })],
    [
      415,
      'what curl sends without a content type',
      'send image/jpeg, image/png',
      () => post(coffee, { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    [415, 'text', 'text/plain', () => post('hello', { 'content-type': 'text/plain' })],
    [415, 'a data URL of text', 'text/plain', () => post('{"inputs": "data:text/plain;base64,aGVsbG8="}')],
    [
      422,
      'a JPEG of a thousand scans',
      'scans',
      () =>
        post(
          Buffer.concat([
            coffee.subarray(0, 2),
            ...Array(1000).fill(Buffer.from([0xff, 0xda, 0, 2])),
            coffee.subarray(2),
          ]),
          JPEG,
        ),
    ],
    [422, 'a TIFF of which a strip is damaged', 'cannot be decoded', async () => post(await damagedTiff(), TIFF)],
    [422, 'a TIFF of five channels', '5 channels', () => post(onePixelTiff('cmyk', 5, 8), TIFF)],
    [422, 'a TIFF of CMYK in 16 bits', 'ushort in cmyk', () => post(onePixelTiff('cmyk', 4, 16), TIFF)],
    [422, 'a TIFF of 32 bits', 'uint', () => post(onePixelTiff('rgb', 3, 32), TIFF)],
    [422, 'bytes that are no image', '', () => post('hello, I am no picture', JPEG)],
    [422, 'a truncated JPEG', '', () => post(coffee.subarray(0, 20_000), JPEG)],
    [422, 'a JPEG of which only the header is there', '', () => post(coffee.subarray(0, 200), JPEG)],
  ])('answers %i to %s', async (status, _what, hint, send) => {
    const response = await send();

    const body = (await response.json()) as { error: string; code: string; requestId: string };
    expect({ status: response.status, error: body.error }).toEqual({ status, error: expect.stringContaining(hint) });
    expect(body.error.length).toBeLessThan(1000);
    expect(body.requestId).toBe(response.headers.get('x-request-id'));
    expect(serving.observations[0]?.failures).toHaveLength(1);
    expect((await post(coffee, JPEG)).status).toBe(200); // it lives on
  });
});

describe('errors of requests for missing models, versions, aliases and inputs', () => {
  it.each([
    ['a model', () => post(coffee, JPEG, '/models/unknown')],
    ['a version', () => post(coffee, JPEG, '/models/lite0/versions/9')],
    ['an alias', () => post(coffee, JPEG, '/models/lite0/aliases/best')],
    ['a model of the Open Inference Protocol', () => post('{}', JSON_TYPE, '/v2/models/unknown/infer')],
    ['a reference', () => post('{"inputs": {"s3": "uploads/lite0/nothing.jpg"}}')],
  ])('a 404 names neither bucket nor command to the caller of %s', async (_what, send) => {
    const response = await send();

    const text = await response.text();
    expect(response.status).toBe(404);
    expect(text).not.toContain(serving.repository.store.location);
    expect(text).not.toContain(serving.data.location);
    expect(text).not.toMatch(/npx|onnx-serverless|stage parameter|MODELS/);
  });

  it.each([
    ['/models/unknown', 'npx onnx-serverless push'],
    ['/models/lite0/versions/9', 'npx onnx-serverless show lite0'],
  ])('the failure of %s that is logged names the command to the operator', async (path, command) => {
    await serving.fetch(path, { method: 'POST', headers: JPEG, body: coffee });

    const [failure] = serving.observations[0]?.failures ?? [];
    expect(failure?.operator).toContain(command);
    expect(failure?.operator).toContain(serving.repository.store.location);
  });
});

describe('a deadline', () => {
  it('that has passed before the run gives 504', async () => {
    let asked = 0;
    // Time enough to route and to load, none when it comes to the run.
    const deadline = { remainingMs: () => (++asked <= 2 ? 30_000 : -5) };

    const response = await serving.fetch('/models/lite0', { method: 'POST', body: coffee, headers: JPEG, deadline });

    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(serving.observations[0]?.stopwatch.stepsMs).not.toHaveProperty('run');
  });
});
