import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PushOptions } from '../../src/authoring/push-model.ts';
import { type GraphNode, type GraphTensor, type SmallGraph, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const float = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'float32', shape });
const integer = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'int64', shape });
const integers = (name: string, ...values: number[]): GraphTensor => ({
  ...integer(name, values.length),
  data: BigInt64Array.from(values, BigInt),
});
const node = (operator: string, inputs: string[], outputs: string[], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ operator, inputs, outputs },
  ...more,
});

const by = (operator: string): SmallGraph => ({
  inputs: [integer('x', 'n'), integer('y', 'n')],
  outputs: [integer('z', 'n')],
  nodes: [node(operator, ['x', 'y'], ['z'])],
});

/** `x` in rows of `width`. */
const inRowsOf = (width: number): SmallGraph => ({
  ...{ inputs: [float('x', '?', '?')], outputs: [float('y', 'rows', width)], weights: [integers('shape', -1, width)] },
  nodes: [node('Reshape', ['x', 'shape'], ['y'])],
});

/** The form of a voice detector: it reflects the sound at its ends, which takes two samples, and carries a state. */
const DETECTOR: SmallGraph = {
  inputs: [float('input', '?', '?'), float('state', 2, '?', 4), integer('sr')],
  outputs: [float('output', '?', '?'), float('stateN', 2, '?', 4)],
  weights: [integers('pads', 0, 0, 0, 1)],
  nodes: [
    node('Pad', ['input', 'pads'], ['padded'], { attributes: { mode: 'reflect' } }),
    node('Cast', ['sr'], ['rate'], { attributes: { to: 1 } }),
    node('Add', ['padded', 'rate'], ['output']),
    node('Neg', ['state'], ['stateN']),
  ],
};

const GRAPHS: Readonly<Record<string, SmallGraph>> = {
  div: by('Div'),
  mod: by('Mod'),
  range: {
    ...{ inputs: [integer('start'), integer('limit'), integer('step')], outputs: [integer('y', 'n')] },
    nodes: [node('Range', ['start', 'limit', 'step'], ['y'])],
  },
  resize: {
    ...{ inputs: [float('x', 1, 1, 4, 4), integer('sizes', 4)], outputs: [float('y', 'a', 'b', 'c', 'd')] },
    nodes: [node('Resize', ['x', '', '', 'sizes'], ['y'])],
  },
  expand: {
    ...{ inputs: [float('x', 3, 1), integer('shape', 2)], outputs: [float('y', 'a', 'b')] },
    nodes: [node('Expand', ['x', 'shape'], ['y'])],
  },
  fours: inRowsOf(4),
  sixties: inRowsOf(60),
  detector: DETECTOR,
  parts: {
    ...{ inputs: [float('x', 6), integer('sizes', 2)], outputs: [float('a', 'm'), float('b', 'n')] },
    nodes: [node('Split', ['x', 'sizes'], ['a', 'b'], { attributes: { axis: 0 } })],
  },
};

let folder: string;
let serving: TestServing;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blank-inputs-'));
  serving = await createTestServing();
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const push = async (name: string, options: PushOptions = {}): Promise<unknown> => {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, toOnnxFile(GRAPHS[name] ?? { outputs: [], nodes: [] }));
  await pushModel(serving.repository, path, { promote: true, ...options });
  return (await serving.repository.bundle(name, (await serving.repository.versions(name)).at(-1) ?? 1)).warmup;
};
/** Loads the newest version as a function does when no request waits for it. */
const readyStatus = async (name: string) => {
  const version = (await serving.repository.versions(name)).at(-1);
  return (await serving.fetch(`/v2/models/${name}/versions/${version}/ready`)).status;
};

describe('push finds an input that the model answers, and the load runs the same one', () => {
  it.each([
    ['div', { value: 1, dimensions: { n: 1 } }],
    ['mod', { value: 1, dimensions: { n: 1 } }],
    ['range', { value: 1, dimensions: {} }],
    ['resize', { value: 1, dimensions: {} }],
    ['expand', { value: 1, dimensions: {} }],
    ['fours', { value: 0, dimensions: { 'x:0': 2, 'x:1': 2 } }],
    ['detector', { value: 0, dimensions: { 'input:0': 2, 'input:1': 2, 'state:1': 2 } }],
  ])('of %s', async (name, blank) => {
    expect(await push(name)).toEqual({ ...blank, inputs: [] });
    expect(await readyStatus(name)).toBe(200);
  });
});

describe('push of a model that answers none of the inputs that it makes up', () => {
  it('says what was tried, with the first reason and the remedies', async () => {
    await expect(push('sixties')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(
        /failed on zeros with x:0=1, x:1=1: .*Reshape.*; so it did on ones, and on both with variable dimensions of 1; 2; .*512.*--warmup <request\.json>, or .*--dimension/s,
      ),
    });
  });

  it('takes the size of a dimension without a name by its position', async () => {
    expect(await push('sixties', { dimensions: { 'x:1': 60 } })).toMatchObject({ dimensions: { 'x:0': 1, 'x:1': 60 } });
    expect(await readyStatus('sixties')).toBe(200);
  });

  it('refuses a position that no input has', async () => {
    await expect(push('sixties', { dimensions: { 'x:2': 60 } })).rejects.toMatchObject({
      ...{ code: 'INVALID_REQUEST', message: expect.stringContaining('variable are: x:0, x:1') },
    });
  });

  it('takes a request in the place of made-up inputs, at push and at load', async () => {
    const [data, shape] = [[1, 2, 3, 4, 5, 6], [6]];
    const request = {
      inputs: [
        { name: 'x', datatype: 'FP32', shape, data },
        { name: 'sizes', datatype: 'INT64', shape: [2], data: [2, 4] },
      ],
    };
    const warmup = join(folder, 'request.json');
    await writeFile(warmup, JSON.stringify(request));

    await expect(push('parts')).rejects.toMatchObject({ message: expect.stringContaining('so it did on ones. Give') });
    expect(await push('parts', { warmup: [warmup] })).toMatchObject({ inputs: ['warmup/request.json'] });
    expect(await readyStatus('parts')).toBe(200);
  });

  it('refuses sizes beside a request, which has its own', async () => {
    const options = { warmup: ['request.json'], dimensions: { 'x:1': 60 } };

    await expect(push('sixties', options)).rejects.toMatchObject({
      ...{
        code: 'INVALID_REQUEST',
        message: expect.stringContaining('--dimension sizes the input that --warmup replaces'),
      },
    });
  });
});

describe('dimensions that share a name', () => {
  const shaped = (name: string, shape: number[], datatype = 'FP32') => ({
    ...{ name, shape, datatype },
    data: Array(shape.reduce((product, size) => product * size, 1)).fill(1),
  });
  const infer = async (model: string, inputs: unknown[]) => {
    const response = await serving.fetch(`/v2/models/${model}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs }),
    });
    return { status: response.status, body: await response.json() };
  };

  it('may differ where the name stands for none', async () => {
    const inputs = [shaped('input', [1, 5]), shaped('state', [2, 3, 4]), shaped('sr', [], 'INT64')];

    expect(await infer('detector', inputs)).toMatchObject({ status: 200, body: { outputs: [{ shape: [1, 6] }, {}] } });
  });

  it('may differ where the runtime runs the graph', async () => {
    const inputs = [shaped('x', [3], 'INT64'), shaped('y', [1], 'INT64')];

    expect(await infer('div', inputs)).toMatchObject({ status: 200, body: { outputs: [{ data: [1, 1, 1] }] } });
  });

  it('are named when the runtime fails', async () => {
    const inputs = [shaped('x', [3], 'INT64'), shaped('y', [2], 'INT64')];

    expect(await infer('div', inputs)).toMatchObject({
      ...{
        status: 400,
        body: { error: expect.stringContaining('input "y": dimension 0 ("n") is 2, but input "x" has 3') },
      },
    });
  });
});
