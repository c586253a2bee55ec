import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import { inferHandler } from '../../src/lambda/infer.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODELS = 'test/fixtures/models';
let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  const push = (name: string, file: string, dimensions = {}) =>
    publishModel(serving.repository, name, `${MODELS}/${file}`, { dimensions });
  await push('add', 'add.onnx');
  await push('every', 'every-dtype.onnx');
  await push('fixed', 'fixed-batch.onnx');
  await push('repeat', 'repeat-string.onnx');
  await pushModel(serving.repository, 'models/iris', { name: 'iris', task: 'tabular-classification' });
});
afterAll(() => serving.remove());

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly json: { readonly outputs: readonly Record<string, unknown>[]; readonly error?: string };
  readonly binary: Buffer;
}

/** Sends JSON with bytes behind it, and splits the answer. */
const send = async (
  model: string,
  document: unknown,
  binary: readonly Uint8Array[] = [],
  length?: string,
): Promise<Answer> => {
  const head = document === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(document));
  const response = await serving.fetch(`/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'inference-header-content-length': length ?? String(head.byteLength) },
    body: Buffer.concat([head, ...binary]),
  });
  const body = Buffer.from(await response.arrayBuffer());
  const size = Number(response.headers.get('inference-header-content-length') ?? body.byteLength);
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    json: JSON.parse(body.subarray(0, size).toString()),
    binary: body.subarray(size),
  };
};

const bytes = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const input = (name: string, datatype: string, shape: readonly number[], size: number) => ({
  ...{ name, datatype, shape, parameters: { binary_data_size: size } },
});
const strings = (...texts: readonly string[]): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(Buffer.byteLength(text));
      return [size, Buffer.from(text)];
    }),
  );

/** Bytes of two elements of each type; FP16 holds 1.5 and an infinity. */
const EVERY: Readonly<Record<string, readonly [datatype: string, bytes: Uint8Array]>> = {
  float32: ['FP32', bytes(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY))],
  float64: ['FP64', bytes(Float64Array.of(0.1, -0))],
  float16: ['FP16', bytes(Uint16Array.of(0x3e00, 0x7c00))],
  int8: ['INT8', bytes(Int8Array.of(-128, 127))],
  int16: ['INT16', bytes(Int16Array.of(-32_768, 1))],
  int32: ['INT32', bytes(Int32Array.of(-1, 2 ** 31 - 1))],
  int64: ['INT64', bytes(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n))],
  uint8: ['UINT8', bytes(Uint8Array.of(0, 255))],
  uint16: ['UINT16', bytes(Uint16Array.of(0, 65_535))],
  uint32: ['UINT32', bytes(Uint32Array.of(0, 2 ** 32 - 1))],
  uint64: ['UINT64', bytes(BigUint64Array.of(0n, 2n ** 64n - 1n))],
  bool: ['BOOL', Uint8Array.of(1, 0)],
  string: ['BYTES', strings('', 'Ünï\n日本 "x"')],
};

describe('tensors as bytes', () => {
  it('come back bit by bit in every data type', async () => {
    const all = Object.entries(EVERY);
    const inputs = all.map(([dtype, [datatype, content]]) => input(`in_${dtype}`, datatype, [2], content.byteLength));
    const outputs = all.map(([dtype]) => ({ name: `out_${dtype}` }));
    const document = { id: 'x', inputs, outputs, parameters: { binary_data_output: true } };
    const answer = await send(
      'every',
      document,
      all.map(([, [, content]]) => content),
    );
    expect(answer).toMatchObject({ status: 200, type: 'application/octet-stream', json: { id: 'x' } });
    expect(answer.json.outputs).toEqual(
      all.map(([dtype, [datatype, content]]) => input(`out_${dtype}`, datatype, [2], content.byteLength)),
    );
    expect(answer.binary.equals(Buffer.concat(all.map(([, [, content]]) => content)))).toBe(true);
  });

  it('mix with JSON among inputs and outputs, an output decides for itself', async () => {
    const values = bytes(Float32Array.of(1, 2, 3));
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [1, 3], data: [10, 20, 30] },
      input('b', 'FP32', [1, 3], values.byteLength),
    ];
    const plain = await send('add', { inputs }, [values]);
    expect(plain).toMatchObject({ type: 'application/json', json: { outputs: [{ name: 'sum', data: [11, 22, 33] }] } });
    const outputs = [{ name: 'sum', parameters: { binary_data: true } }];
    const binary = await send('add', { inputs, outputs }, [values]);
    expect(
      new Float32Array(binary.binary.buffer.slice(binary.binary.byteOffset, binary.binary.byteOffset + 12)),
    ).toEqual(Float32Array.of(11, 22, 33));
    const data = [{ name: 'sum', parameters: { binary_data: false } }];
    const own = await send('add', { inputs, outputs: data, parameters: { binary_data_output: true } }, [values]);
    expect(own.json.outputs[0]).toMatchObject({ data: [11, 22, 33] });
  });

  it('JSON alone may ask for bytes', async () => {
    const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }));
    const response = await serving.fetch('/v2/models/add/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs, parameters: { binary_data_output: true } }),
    });
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect((await response.arrayBuffer()).byteLength).toBe(
      Number(response.headers.get('inference-header-content-length')) + 12,
    );
  });

  it('a body is the only input of a model, with one variable size', async () => {
    const { json, binary, status } = await send('fixed', undefined, [bytes(Float32Array.of(1, 2))]);
    expect([status, json.outputs[0]]).toEqual([200, input('negated', 'FP32', [1, 2], 8)]);
    expect(binary.equals(Buffer.from(bytes(Float32Array.of(-1, -2))))).toBe(true);
  });

  it.each<[string, string, unknown, Uint8Array[], string?]>([
    [
      'more bytes said than there are',
      'has 4 bytes left',
      { inputs: [input('a', 'FP32', [1, 3], 12)] },
      [new Uint8Array(4)],
    ],
    ['bytes left over', '4 bytes more', { inputs: [input('x', 'FP32', [1, 2], 8)] }, [new Uint8Array(12)]],
    [
      'fewer bytes than the shape',
      'has 4 bytes, its shape [1,2]',
      { inputs: [input('x', 'FP32', [1, 2], 4)] },
      [new Uint8Array(4)],
    ],
    [
      'a shape far beyond its bytes',
      'has 4 bytes',
      { inputs: [input('x', 'FP32', [1e9, 1e6], 4)] },
      [new Uint8Array(4)],
    ],
    ['a size that is none', 'binary_data_size is -1', { inputs: [input('x', 'FP32', [1, 2], -1)] }, []],
    ['data and bytes', 'both', { inputs: [{ ...input('x', 'FP32', [1, 2], 8), data: [1, 2] }] }, [new Uint8Array(8)]],
    ['a header beyond the body', 'inference-header-content-length', { inputs: [] }, [], '999999'],
    ['a header that is none', '"-1"', { inputs: [] }, [], '-1'],
    [
      'shared memory',
      '"shared_memory_region" is not supported',
      { inputs: [{ ...input('x', 'FP32', [1, 2], 8), parameters: { shared_memory_region: 'r' } }] },
      [],
    ],
    [
      'a sequence',
      '"sequence_id" is not supported',
      { inputs: [input('x', 'FP32', [1, 2], 8)], parameters: { sequence_id: 5 } },
      [],
    ],
    [
      'a flag that is none',
      'binary_data_output is 1',
      { inputs: [input('x', 'FP32', [1, 2], 8)], parameters: { binary_data_output: 1 } },
      [],
    ],
    [
      'a parameter of an output',
      '"foo" is not supported',
      { inputs: [input('x', 'FP32', [1, 2], 8)], outputs: [{ name: 'negated', parameters: { foo: 1 } }] },
      [new Uint8Array(8)],
    ],
  ])('answer 400 to %s', async (_, hint, document, binary, ...[length]) => {
    const model = JSON.stringify(document).includes('"a"') ? 'add' : 'fixed';
    const answer = await send(model, document, binary, length);
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining(hint)]);
  });

  it.each([
    ['that end early', Buffer.of(5, 0, 0, 0, 65), 'ends behind'],
    ['of fewer than the shape', strings('a'), 'has 1 elements, its shape has 2'],
    ['of more than the shape', strings('a', 'b', 'c'), 'more than the 2 elements'],
    ['that are not UTF-8', Buffer.concat([strings('a'), Buffer.of(1, 0, 0, 0, 255)]), 'not UTF-8'],
    ['with a NUL', strings('a', 'b\0'), 'NUL'],
  ])('answer 400 to strings %s', async (_, content, hint) => {
    const others = Object.entries(EVERY).map(([dtype, [, own]]) => (dtype === 'string' ? content : Buffer.from(own)));
    const inputs = Object.entries(EVERY).map(([dtype, [datatype]], index) =>
      input(`in_${dtype}`, datatype, [2], others[index]?.byteLength ?? 0),
    );
    const answer = await send('every', { inputs, parameters: { binary_data_output: true } }, others);
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining(hint)]);
  });

  it('are for /v2 alone', async () => {
    const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }));
    const body = JSON.stringify({
      inputs,
      parameters: { outputs: [{ name: 'sum', parameters: { binary_data: true } }] },
    });
    const headers = { 'content-type': 'application/json' };
    const response = await serving.fetch('/models/add', { method: 'POST', body, headers });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: expect.stringContaining('"binary_data" is not supported') },
    ]);
  });
});

it('a parameter of a request that takes none is refused in whole words', async () => {
  const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }));
  const body = JSON.stringify({ inputs: { inputs, parameters: { priority: 1 } } });
  const headers = { 'content-type': 'application/json' };
  const response = await serving.fetch('/models/add', { method: 'POST', body, headers });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: expect.stringContaining('parameter "priority" is not supported, there are none') },
  ]);
});

describe('classification', () => {
  it('answers the best classes with their labels', async () => {
    const inputs = [{ name: 'X', datatype: 'FP32', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }];
    const { json } = await send('iris', {
      inputs,
      outputs: [{ name: 'probabilities', parameters: { classification: 2 } }],
    });
    expect(json.outputs).toEqual([
      {
        ...{ name: 'probabilities', datatype: 'BYTES', shape: [1, 2] },
        data: [expect.stringMatching(/^0\.98\d{4}:0:setosa$/), expect.stringMatching(/^0\.01\d{4}:1:versicolor$/)],
      },
    ]);
  });

  it('takes each row by itself, and all classes where there are fewer', async () => {
    const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [2, 3], data: [1, 3, 2, 9, 8, 7] }));
    const { json } = await send('add', { inputs, outputs: [{ name: 'sum', parameters: { classification: 5 } }] });
    expect(json.outputs).toEqual([
      {
        ...{ name: 'sum', datatype: 'BYTES', shape: [2, 3] },
        data: ['6.000000:1', '4.000000:2', '2.000000:0', '18.000000:0', '16.000000:1', '14.000000:2'],
      },
    ]);
  });

  it('ranks infinities, and names what is no number last', async () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    const scores = Float32Array.of(nan, -inf, 1, nan, inf, 1, inf, 0, nan);
    const zeros = new Float32Array(9);
    const inputs = ['a', 'b'].map((name) => ({
      ...{ name, datatype: 'FP32', shape: [3, 3] },
      parameters: { binary_data_size: 36 },
    }));
    const outputs = [{ name: 'sum', parameters: { classification: 3 } }];
    const { json } = await send('add', { inputs, outputs }, [bytes(scores), bytes(zeros)]);
    expect(json.outputs[0]?.data).toEqual([
      ...['1.000000:2', '-Infinity:1', 'NaN:0'],
      ...['Infinity:1', '1.000000:2', 'NaN:0'],
      ...['Infinity:0', '0.000000:1', 'NaN:2'],
    ]);
  });

  it.each([0, -1, 1.5, '2'])('answers 400 to %j classes', async (classification) => {
    const inputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }));
    const answer = await send('add', { inputs, outputs: [{ name: 'sum', parameters: { classification } }] });
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining('classification')]);
  });
});

it('seven pictures of 3×224×224 floats fit into one event of API Gateway', async () => {
  await pushNamed(serving.repository, 'efficientnet-lite0');
  const described = await serving.fetch('/v2/models/efficientnet-lite0');
  const { inputs, outputs } = (await described.json()) as Record<'inputs' | 'outputs', { name: string }[]>;
  const pictures = Float32Array.from({ length: 7 * 3 * 224 * 224 }, (_, index) => ((index * 7_919) % 1_000) / 1_000);
  const tensor = input(String(inputs[0]?.name), 'FP32', [7, 3, 224, 224], pictures.byteLength);
  const head = Buffer.from(JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } }));
  const event = {
    ...{
      version: '2.0',
      routeKey: 'ANY /{proxy+}',
      rawPath: '/v2/models/efficientnet-lite0/infer',
      rawQueryString: '',
    },
    headers: { 'inference-header-content-length': String(head.byteLength), authorization: 'x'.repeat(2_000) },
    requestContext: {
      domainName: 'a.execute-api.us-east-1.amazonaws.com',
      http: { method: 'POST' },
      stage: '$default',
    },
    body: Buffer.concat([head, bytes(pictures)]).toString('base64'),
    isBase64Encoded: true,
  };
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(LAMBDA_PAYLOAD_BYTES);
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 300_000 } as Context;
  const { statusCode, headers, body } = await inferHandler(serving, 'none')(event, context);
  expect(statusCode).toBe(200);
  const answer = Buffer.from(String(body), 'base64');
  const size = Number(headers['inference-header-content-length']);
  const document = JSON.parse(answer.subarray(0, size).toString()) as { outputs: { name: string; shape: number[] }[] };
  expect(document.outputs).toMatchObject([{ name: outputs[0]?.name, shape: [7, 1000] }]);
  expect(answer.byteLength - size).toBe(7 * 1000 * 4);
});
