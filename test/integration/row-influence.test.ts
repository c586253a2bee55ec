import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PushOptions } from '../../src/authoring/push-model.ts';
import {
  type GraphFunction,
  type GraphNode,
  type GraphTensor,
  type SmallGraph,
  toOnnxFile,
} from '../support/onnx-graph.ts';
import { createTestServing, findNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const float = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'float32', shape });
const floats = (name: string, ...values: number[]): GraphTensor => ({
  ...float(name, values.length),
  data: Float32Array.from(values),
});
const integers = (name: string, ...values: number[]): GraphTensor => ({
  ...{ name, dtype: 'int64', shape: [values.length] },
  data: BigInt64Array.from(values, BigInt),
});
const node = (operator: string, inputs: string[], outputs: string[], attributes: GraphNode['attributes'] = {}) => ({
  ...{ operator, inputs, outputs, attributes },
});

/** Rows of two columns, changed by `nodes` from `x` to `z`, and summed up. */
const table = (nodes: readonly GraphNode[], ...weights: GraphTensor[]): SmallGraph => ({
  inputs: [float('x', 'rows', 2)],
  outputs: [float('y', 'rows', 1)],
  weights: [...weights, { ...floats('w', 1, 2), shape: [2, 1] }],
  nodes: [...nodes, node('MatMul', ['z', 'w'], ['y'])],
});

const NORMALISATION = [floats('scale', 1, 1), floats('bias', 0, 0), floats('mean', 0, 0), floats('variance', 1, 1)];

/** Quantises by the largest number of all rows, in a function, where no operator of the graph tells it. */
const QUANTISE: GraphFunction = {
  ...{ name: 'Quantise', inputs: ['a'], outputs: ['c'] },
  nodes: [
    node('DynamicQuantizeLinear', ['a'], ['b', 'step', 'zero']),
    node('DequantizeLinear', ['b', 'step', 'zero'], ['c']),
  ],
};

const DEPENDENT: Readonly<Record<string, SmallGraph>> = {
  'a softmax over rows': table([node('Softmax', ['x'], ['z'], { axis: 0 })]),
  'a mean over rows': table([
    node('ReduceMean', ['x'], ['m'], { axes: [0], keepdims: 1 }),
    node('Sub', ['x', 'm'], ['z']),
  ]),
  'a running sum of rows': table([node('CumSum', ['x', 'axis'], ['z'])], { ...integers('axis', 0), shape: [] }),
  'a quantisation in a function': table([{ ...node('Quantise', ['x'], ['z']), domain: 'local' }]),
};
const INDEPENDENT: Readonly<Record<string, SmallGraph>> = {
  'a softmax over columns': table([node('Softmax', ['x'], ['z'], { axis: 1 })]),
  'a batch normalisation': table(
    [node('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'variance'], ['z'])],
    ...NORMALISATION,
  ),
  'large numbers': table([node('Mul', ['x', 'large'], ['z'])], floats('large', 1e9, 1e-9)),
};

let folder: string;
let serving: TestServing;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'row-influence-'));
  serving = await createTestServing();
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const push = async (graph: SmallGraph, options: PushOptions = {}) => {
  const directory = join(folder, 'table');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.onnx'), toOnnxFile(graph, [QUANTISE]));
  await writeFile(
    join(directory, 'config.json'),
    JSON.stringify({ pipeline_tag: 'tabular-regression', columns: ['u', 'v'] }),
  );
  const { version, notes } = await pushModel(serving.repository, directory, {
    name: 'table',
    promote: true,
    ...options,
  });
  return { notes, maxBatch: (await serving.repository.bundle('table', version)).maxBatch };
};
const ask = async (name: string, inputs: unknown): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  const response = await serving.fetch(`/models/${name}`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
    headers,
  });
  return response.json();
};
const ONE_BY_ONE = expect.stringContaining('depends on the rows beside it ("y" of two rows); rows run one by one');

describe('a graph whose rows change the answers for each other', () => {
  it.each(Object.entries(DEPENDENT))('runs %s row by row, so that a row is answered as alone', async (_what, graph) => {
    expect(await push(graph)).toEqual({ notes: [ONE_BY_ONE], maxBatch: 1 });
    serving.clock.nowMs += 60_000; // the routing is read again

    const [alone] = (await ask('table', [[1, 2]])) as number[];
    expect(
      await ask('table', [
        [1, 2],
        [900, 0],
      ]),
    ).toEqual([alone, expect.any(Number)]);
  });

  it('runs rows together when push is told so', async () => {
    const graph = DEPENDENT['a mean over rows'] ?? table([]);

    expect(await push(graph, { maxBatch: 8 })).toEqual({ notes: [], maxBatch: 8 });
  });
});

it('a graph whose answers change with each run says so', async () => {
  const inputs = ['x', 'scale', 'bias', 'mean', 'variance'];
  const training = node('BatchNormalization', inputs, ['z', 'm', 'v'], { training_mode: 1 });

  expect(await push(table([training], ...NORMALISATION))).toEqual({
    ...{ notes: [expect.stringContaining('its answers change from run to run ("y")')], maxBatch: 1 },
  });
});

describe('a graph whose rows do not', () => {
  it.each(Object.entries(INDEPENDENT))('runs %s together', async (_what, graph) => {
    expect(await push(graph)).toEqual({ notes: [], maxBatch: 32 });
  });
});

describe('a text graph', () => {
  /** A mean of the numbers of tokens, with padding among them or without. */
  const mean = (isMasked: boolean): SmallGraph => ({
    inputs: [
      { name: 'input_ids', dtype: 'int64', shape: ['batch', 'tokens'] },
      { name: 'attention_mask', dtype: 'int64', shape: ['batch', 'tokens'] },
    ],
    outputs: [float('logits', 'batch', 2)],
    weights: [{ ...floats('w', 0.001, -0.001), shape: [1, 2] }, integers('axis', 1)],
    nodes: [
      node('Cast', ['input_ids'], ['ids'], { to: 1 }),
      node('Cast', ['attention_mask'], ['mask'], { to: 1 }),
      node('ReduceSum', ['ids', 'axis'], ['sum']),
      node('ReduceSum', ['mask', 'axis'], ['tokens']),
      node('Div', ['sum', 'tokens'], ['masked']),
      node('ReduceMean', ['ids'], ['unmasked'], { axes: [1], keepdims: 1 }),
      node('MatMul', [isMasked ? 'masked' : 'unmasked', 'w'], ['logits']),
    ],
  });
  const pushText = async (name: string, graph: SmallGraph) => {
    const directory = join(folder, name);
    await cp(findNamed('tiny-bert-sentiment'), directory, { recursive: true });
    await writeFile(join(directory, 'model.onnx'), toOnnxFile(graph));
    const { notes } = await pushModel(serving.repository, directory, { name });
    return { notes, maxBatch: (await serving.repository.bundle(name, 1)).maxBatch };
  };

  it('runs row by row when padding changes an answer', async () => {
    const { notes, maxBatch } = await pushText('padded', mean(false));
    const [short, long] = ['one', 'a text of many more words than the first one'];

    expect({ notes, maxBatch }).toEqual({ notes: [expect.stringContaining('rows run one by one')], maxBatch: 1 });
    const alone = await ask('padded', [short]);
    expect(await ask('padded', [short, long])).toEqual([...(alone as unknown[]), expect.anything()]);
  });

  it('runs together when the mask leaves padding out', async () => {
    expect(await pushText('masked', mean(true))).toEqual({ notes: [], maxBatch: 32 });
  });
});
