import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fileKey } from '../../src/repository/keys.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const MODELS = 'test/fixtures/models';
const { version: projectVersion } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  const push = (name: string, file: string, dimensions = {}) =>
    publishModel(serving.repository, name, `${MODELS}/${file}`, { dimensions });
  await push('add', 'add.onnx');
  await push('pairs', 'pairs.onnx', { batch: 2 });
  await push('fixed', 'fixed-batch.onnx');
  await push('every-json', 'every-json-dtype.onnx');
  await push('every', 'every-dtype.onnx');
  await push('broken', 'add.onnx');
  await serving.repository.store.write(fileKey('broken', 1, 'add.onnx'), 'x'.repeat(10));
});
afterAll(() => serving.remove());
beforeEach(() => {
  serving.observations.length = 0;
});

const get = async (path: string) => {
  const response = await serving.fetch(path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const inferText = (model: string, body: string) => serving.fetch(`/v2/models/${model}/infer`, { method: 'POST', body });
const infer = async (model: string, document: unknown) => {
  const response = await inferText(model, JSON.stringify(document));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const fp32 = (name: string, data: unknown, shape: number[]) => ({ name, shape, datatype: 'FP32', data });

/** A value of each type that JSON can carry, at the ends of its range. */
const EVERY: Record<string, [string, unknown[]]> = {
  float32: ['FP32', [1.5, -0.25]],
  float64: ['FP64', [0.1, 1e300]],
  int8: ['INT8', [-128, 127]],
  int16: ['INT16', [-32768, 32767]],
  int32: ['INT32', [-2147483648, 2147483647]],
  int64: ['INT64', [-5, 7]],
  uint8: ['UINT8', [0, 255]],
  uint16: ['UINT16', [0, 65535]],
  uint32: ['UINT32', [0, 4294967295]],
  uint64: ['UINT64', [0, 9007199254740991]],
  bool: ['BOOL', [true, false]],
  string: ['BYTES', ['', 'ünï "quoted"\n日本']],
};

const EXTENSIONS = [
  ...['binary_tensor_data', 'classification', 'model_configuration'],
  ...['model_repository', 'model_repository(unload_dependents)', 'statistics'],
];

const everyInput = () =>
  Object.entries(EVERY).map(([dtype, [datatype, data]]) => ({ name: `in_${dtype}`, shape: [2], datatype, data }));

describe('health and metadata', () => {
  it.each([
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { live: true, ready: true }],
    ['/v2', { name: 'onnx-serverless', version: projectVersion, extensions: EXTENSIONS }],
    ['/v2/models/add/ready', { name: 'add', ready: true }],
    ['/v2/models/add/versions/1/ready', { name: 'add', ready: true }],
  ])('%s', async (path, body) => {
    expect(await get(path)).toEqual({ status: 200, body });
  });

  it('describes a model as its graph declares it', async () => {
    expect(await get('/v2/models/add')).toEqual({
      status: 200,
      body: {
        name: 'add',
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: [
          { name: 'a', datatype: 'FP32', shape: [-1, 3] },
          { name: 'b', datatype: 'FP32', shape: [-1, 3] },
        ],
        outputs: [{ name: 'sum', datatype: 'FP32', shape: [-1, 3] }],
        properties: { task: 'tensor' },
      },
    });
  });

  it('names every data type, FP16 among them', async () => {
    const { body } = await get('/v2/models/every');

    expect((body.inputs as { datatype: string }[]).map(({ datatype }) => datatype)).toEqual([
      ...['FP32', 'FP64', 'FP16', 'INT8', 'INT16', 'INT32', 'INT64'],
      ...['UINT8', 'UINT16', 'UINT32', 'UINT64', 'BOOL', 'BYTES'],
    ]);
  });

  it.each([
    [404, '/v2/models/unknown'],
    [404, '/v2/models/unknown/ready'],
    [404, '/v2/models/add/versions/9'],
    [404, '/v2/models/add/versions/0'],
    [404, '/v2/nothing'],
    [503, '/v2/models/broken/ready'],
    [405, '/v2/models/add/infer'],
  ])('answers %i on %s', async (status, path) => {
    expect(await get(path)).toEqual({ status, body: expect.objectContaining({ error: expect.any(String) }) });
  });
});

it('says which method a path takes, and answers HEAD as GET without a body', async () => {
  const wrong = await serving.fetch('/v2/models/add/infer');
  expect({ status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
  const head = await serving.fetch('/v2', { method: 'HEAD' });
  expect({ status: head.status, body: await head.text() }).toEqual({ status: 200, body: '' });
});

describe('infer', () => {
  it('computes all outputs, and echoes the id', async () => {
    const inputs = [fp32('a', [1, 2, 3, 4, 5, 6], [2, 3]), fp32('b', [10, 20, 30, 40, 50, 60], [2, 3])];

    expect(await infer('add', { id: 'abc', inputs })).toEqual({
      status: 200,
      body: {
        model_name: 'add',
        model_version: '1',
        id: 'abc',
        outputs: [{ name: 'sum', datatype: 'FP32', shape: [2, 3], data: [11, 22, 33, 44, 55, 66] }],
      },
    });
  });

  it('takes nested data', async () => {
    const { body } = await infer('add', { inputs: [fp32('a', [[1, 2, 3]], [1, 3]), fp32('b', [[1, 1, 1]], [1, 3])] });

    expect(body.outputs).toEqual([{ name: 'sum', datatype: 'FP32', shape: [1, 3], data: [2, 3, 4] }]);
  });

  it('takes the largest numbers that float32 has', async () => {
    const largest = 3.4028234663852886e38;
    const { body } = await infer('fixed', { inputs: [fp32('x', [largest, -largest], [1, 2])] });

    expect(body.outputs).toMatchObject([{ data: [-3.4028235e38, 3.4028235e38] }]);
    const again = await infer('fixed', { inputs: [fp32('x', [-3.4028235e38, 3.4028235e38], [1, 2])] });
    expect(again.body.outputs).toMatchObject([{ data: [3.4028235e38, -3.4028235e38] }]);
  });

  it('takes an empty list of outputs for all', async () => {
    const { body } = await infer('fixed', { inputs: [fp32('x', [1, 2], [1, 2])], outputs: [] });

    expect(body.outputs).toHaveLength(1);
  });

  it('gives every data type back as it came', async () => {
    const { body } = await infer('every-json', { inputs: everyInput() });

    expect(body.outputs).toEqual(
      Object.entries(EVERY).map(([dtype, [datatype, data]]) => ({ name: `out_${dtype}`, datatype, shape: [2], data })),
    );
  });

  it('gives only the outputs that were asked for, in that order', async () => {
    const outputs = [{ name: 'out_string' }, { name: 'out_int8' }];
    const { body } = await infer('every-json', { inputs: everyInput(), outputs });

    expect((body.outputs as { name: string }[]).map(({ name }) => name)).toEqual(['out_string', 'out_int8']);
  });

  it('keeps 64-bit integers beyond 2^53 exact, there and back', async () => {
    const [low, high] = ['-9223372036854775808', '9223372036854775807'];
    const inputs = everyInput().map((input) => (input.name === 'in_int64' ? { ...input, data: 'LARGE' } : input));
    const text = JSON.stringify({ inputs, outputs: [{ name: 'out_int64' }] }).replace('"LARGE"', `[${low}, ${high}]`);

    const answer = await (await inferText('every-json', text)).text();

    expect(answer).toContain(`"data":[${low},${high}]`);
  });

  it('reads null among floats as NaN, as it writes it', async () => {
    const { body } = await infer('add', { inputs: [fp32('a', [1, null, 3], [1, 3]), fp32('b', [1, 1, 1], [1, 3])] });
    expect(body.outputs).toEqual([{ name: 'sum', datatype: 'FP32', shape: [1, 3], data: [2, null, 4] }]);
  });

  it('writes the shortest text that names a float32', async () => {
    const inputs = [fp32('a', [0.1, 0.25, 1e-10], [1, 3]), fp32('b', [0, 0, 0], [1, 3])];
    const text = await (await inferText('add', JSON.stringify({ inputs }))).text();
    expect(text).toContain('"data":[0.1,0.25,1e-10]');
  });

  it('writes null for what is not finite', async () => {
    const { body } = await infer('add', { inputs: [fp32('a', [3e38, 1, 1], [1, 3]), fp32('b', [3e38, 1, 1], [1, 3])] });

    expect(body.outputs).toEqual([{ name: 'sum', datatype: 'FP32', shape: [1, 3], data: [null, 2, 2] }]);
  });

  it('takes null for everything that a client leaves out', async () => {
    const left = { parameters: null };
    const inputs = [{ ...fp32('x', [1, 2], [1, 2]), parameters: { content_type: 'np', binary_data_size: null } }];
    const outputs = [{ name: 'negated', ...left }];
    const { body } = await infer('fixed', { id: null, ...left, inputs, outputs });
    expect(body).not.toHaveProperty('id');
    expect(body.outputs).toMatchObject([{ data: [-1, -2] }]);
    expect((await infer('fixed', { inputs, outputs: null })).status).toBe(200);
  });

  it('is answered by an explicit version', async () => {
    const body = JSON.stringify({ inputs: [fp32('x', [1, 2], [1, 2])] });
    const response = await serving.fetch('/v2/models/fixed/versions/1/infer', { method: 'POST', body });

    expect(await response.json()).toMatchObject({ model_version: '1', outputs: [{ data: [-1, -2] }] });
  });
});

describe('the task API of a tensor model', () => {
  it('speaks the same words', async () => {
    const body = JSON.stringify({ inputs: [fp32('x', [1, 2], [1, 2])] });
    const headers = { 'content-type': 'application/json' };
    const response = await serving.fetch('/models/fixed', { method: 'POST', body, headers });

    expect(await response.json()).toMatchObject({ outputs: [{ name: 'negated', data: [-1, -2] }] });
  });
});

describe('a picture for a tensor model', () => {
  it('is refused with what the model takes', async () => {
    const response = await serving.fetch('/models/add', {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'image/jpeg' },
    });

    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      error: expect.stringMatching(/add takes tensors .* --task image-classification/),
    });
  });

  it("on the protocol's own route is refused by its content type", async () => {
    const headers = { 'content-type': 'image/jpeg' };
    const response = await serving.fetch('/v2/models/add/infer', { method: 'POST', body: 'x', headers });

    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ error: expect.stringContaining('POST /models/add') });
  });
});

describe('bad infer requests', () => {
  const a = fp32('a', [1, 2, 3], [1, 3]);
  const b = fp32('b', [1, 2, 3], [1, 3]);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const int8 = (data: unknown) => ({
    inputs: everyInput().map((input) => (input.name === 'in_int8' ? { ...input, data } : input)),
  });

  const strings = (data: unknown) => ({
    inputs: everyInput().map((input) => (input.name === 'in_string' ? { ...input, data } : input)),
  });

  it.each<[number, string, string, unknown, string?]>([
    [400, 'an input twice', '"a" is there twice', { inputs: [a, a, b] }],
    [400, 'an unknown input', 'input "c"', { inputs: [a, b, fp32('c', [1], [1])] }],
    [400, 'a missing input', 'input "b" is missing', { inputs: [a] }],
    [400, 'a wrong datatype', 'is float64, expected float32', { inputs: [{ ...a, datatype: 'FP64' }, b] }],
    [400, 'an unknown datatype', '"FP33"', { inputs: [{ ...a, datatype: 'FP33' }, b] }],
    [400, 'no datatype', 'datatype', { inputs: [{ name: 'a', shape: [1, 3], data: [1, 2, 3] }, b] }],
    [400, 'BF16', '"BF16"', { inputs: [{ ...a, datatype: 'BF16' }, b] }],
    [400, 'FP16', 'no JSON form', { inputs: [{ ...a, datatype: 'FP16' }, b] }],
    [400, 'a wrong rank', '1 dimensions', { inputs: [fp32('a', [1, 2, 3], [3]), b] }],
    [400, 'a wrong size', 'dimension 1 is 4', { inputs: [fp32('a', [1, 2, 3, 4], [1, 4]), b] }],
    [
      400,
      'batch sizes with which the graph fails',
      'but input "a" has 2',
      { inputs: [fp32('a', [1, 2, 3, 4, 5, 6], [2, 3]), fp32('b', [1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3])] },
    ],
    [400, 'an element count that differs from the shape', 'has 2 elements', { inputs: [fp32('a', [1, 2], [1, 3]), b] }],
    [400, 'a shape far beyond the data', 'elements', { inputs: [fp32('a', [1], [1_000_000_000, 3]), b] }],
    [400, 'a nested shape far beyond the data', 'axis 0', { inputs: [fp32('a', [[1, 2, 3]], [1_000_000_000, 3]), b] }],
    [
      400,
      'ragged data',
      'axis 1',
      {
        inputs: [
          fp32(
            'a',
            [
              [1, 2, 3],
              [1, 2],
            ],
            [2, 3],
          ),
          b,
        ],
      },
    ],
    [400, 'data nested in part', 'no list', { inputs: [fp32('a', [[1, 2, 3], 4], [2, 3]), b] }],
    [400, 'data deeper than the shape', 'no number', { inputs: [fp32('a', [[[1], [2], [3]]], [1, 3]), b] }],
    [
      400,
      'more dimensions than the protocol has',
      'at most 100 sizes',
      { inputs: [fp32('a', [1], Array(5000).fill(1)), b] },
    ],
    [400, 'an empty batch', 'has no rows', { inputs: [fp32('a', [], [0, 3]), fp32('b', [], [0, 3])] }],
    [400, 'a negative size', 'shape is [-1,3]', { inputs: [fp32('a', [], [-1, 3]), b] }],
    [400, 'a shape that is no list', 'shape is 3', { inputs: [{ ...a, shape: 3 }, b] }],
    [400, 'data that are no list', '"data" is 5', { inputs: [{ ...a, data: 5 }, b] }],
    [400, 'no data', '"data" is undefined', { inputs: [{ name: 'a', shape: [1, 3], datatype: 'FP32' }, b] }],
    [400, 'a string among numbers', '"2" is no number', { inputs: [fp32('a', [1, '2', 3], [1, 3]), b] }],
    [400, 'null among integers', 'null is no int8', int8([1, null]), 'every-json'],
    [400, 'a number beyond float32', 'outside float32', { inputs: [fp32('a', [1, 1e39, 3], [1, 3]), b] }],
    [400, 'a number below float32', 'outside float32', { inputs: [fp32('a', [[1, -1e39, 3]], [1, 3]), b] }],
    [400, 'a NUL in a string', 'NUL', strings(['a\0b', 'c']), 'every-json'],
    [400, 'half a surrogate pair', 'surrogate', strings(['\ud800', 'c']), 'every-json'],
    [400, 'an integer out of range', '128', int8([1, 128]), 'every-json'],
    [400, 'a fraction among integers', '1.5', int8([1, 1.5]), 'every-json'],
    [400, 'an unknown output', '"nothing" is unknown', { inputs: [a, b], outputs: [{ name: 'nothing' }] }],
    [400, 'an output twice', '2 elements and 1 names', { inputs: [a, b], outputs: [{ name: 'sum' }, { name: 'sum' }] }],
    [400, 'outputs that are no list', '"outputs"', { inputs: [a, b], outputs: {} }],
    [400, 'an output in FP16', 'out_float16', { inputs: everyInput() }, 'every'],
    [400, 'no inputs', '"inputs"', {}],
    [400, 'an empty list of inputs', '"inputs"', { inputs: [] }],
    [400, 'an input that is a number', 'inputs[0]', { inputs: [1] }],
    [400, 'an id that is a number', 'id is 1', { id: 1, inputs: [a, b] }],
    [400, 'a body that is a list', '"inputs"', []],
    [400, 'a body that is null', 'no JSON object', null],
    [
      400,
      'a prototype for an input',
      'input "__proto__"',
      JSON.parse('{"inputs":[{"name":"__proto__","shape":[1],"datatype":"FP32","data":[1]}]}'),
    ],
    [404, 'an unknown model', 'no model unknown', { inputs: [a, b] }, 'unknown'],
    [500, 'a model that is damaged', 'cannot be served', { inputs: [a, b] }, 'broken'],
    [
      400,
      'a graph that fails on the input',
      'a node Reshape refuses them',
      { inputs: [fp32('x', [1, 2, 3], [3])] },
      'pairs',
    ],
  ])('answers %i to %s', async (status, _what, hint, document, model = 'add') => {
    const answer = await infer(model, document);

    expect(answer).toEqual({ status, body: expect.objectContaining({ error: expect.stringContaining(hint) }) });
    expect((await infer('add', { inputs: [a, b] })).status).toBe(200); // it lives on
  });

  it.each([
    ['an empty body', ''],
    ['NaN', '{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[NaN]}]}'],
    ['Infinity', '{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[-Infinity]}]}'],
    ['a number beyond float64', '{"inputs":[{"name":"a","shape":[1,3],"datatype":"FP32","data":[1e400,1,1]}]}'],
    ['a body that breaks off', '{"inputs":[{"name":"a"'],
    ['100,000 nested lists', `{"inputs":[{"name":"a","shape":[1,3],"datatype":"FP32","data":${deep}}]}`],
    ['100,000 nested lists for a body', deep],
    ['an integer beyond 2^53 for an id', '{"id": 12345678901234567890, "inputs": [{}]}'],
    [
      'an integer beyond 2^53 in a shape',
      '{"inputs":[{"name":"a","shape":[12345678901234567890],"datatype":"FP32","data":[1]}]}',
    ],
    [
      'an integer beyond 2^53 among the elements of a list',
      '{"inputs":[{"name":"a","shape":[1,3],"datatype":"FP32","data":[{"x":12345678901234567890},1,2]}]}',
    ],
    ['a name of a million letters', JSON.stringify({ inputs: [fp32('x'.repeat(1_000_000), [1], [1])] })],
    ['100,000 nested lists for parameters', `{"parameters":${deep},"inputs":[]}`],
  ])('answers 400 to %s', async (_what, body) => {
    const response = await inferText('add', body);

    expect(response.status).toBe(400);
    const answer = (await response.json()) as { error: string; requestId: string };
    expect(answer.error.length).toBeLessThan(1000);
    expect(answer.requestId).toEqual(expect.any(String));
  });
});
