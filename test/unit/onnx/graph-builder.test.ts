import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { tensor } from '../../../src/core/tensor.ts';
import { bakeGraph } from '../../../src/engine/bake.ts';
import { createGraph, doubles, longs, singles } from '../../../src/onnx/graph-builder.ts';
import { float, floats, integer, integers, tensorValue, text, texts } from '../../../src/onnx/node.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';

const open = (graph: ReturnType<typeof createGraph>) =>
  ort.InferenceSession.create(Buffer.concat([...graph.toModel()]), { logSeverityLevel: 3, intraOpNumThreads: 1 });

describe('a graph that is built', () => {
  it('runs, with weights of each type', async () => {
    const graph = createGraph();
    const x = graph.input('x', 'float64', ['rows', 2]);
    const product = graph.op('MatMul', [x, graph.constant(doubles([2, 1], [2, -3]))]);
    graph.output('y', graph.op('Cast', [product], { to: integer(1) }), 'float32', ['rows', 1]);
    const session = await open(graph);
    const { y } = await session.run({ x: new ort.Tensor('float64', [1, 2, 3, 4], [2, 2]) });
    expect([...Object(y?.data)]).toEqual([-4, -6]);
    expect(session.inputNames).toEqual(['x']);
  });

  it('is refused as soon as it is larger than any file, also when an array is in it many times', () => {
    const graph = createGraph();
    const weights = singles([2 ** 24], new Float32Array(2 ** 24));
    for (let times = 0; times < 31; times += 1) graph.constant(weights);
    expect(() => graph.subgraph('body').constant(weights)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining('more than 2.1 GB') }),
    );
  });

  it('runs with attributes of each type', async () => {
    const graph = createGraph();
    const x = graph.input('x', 'string', ['']);
    const codes = graph.op(
      'LabelEncoder',
      [x],
      { keys_strings: texts(['no', 'yes']), values_floats: floats([0.5, 1.5]), default_float: float(-1) },
      'ai.onnx.ml',
    );
    const rows = graph.op('Reshape', [codes, graph.constant(longs([-1, 1]))]);
    const sum = graph.op('ReduceSum', [rows, graph.constant(longs([1]))], { keepdims: integer(0) });
    const shifted = graph.op('Add', [sum, graph.op('Constant', [], { value: tensorValue(singles([1], [10])) })]);
    const turned = graph.op('Transpose', [shifted], { perm: integers([0]) });
    graph.output('y', graph.op('Gelu', [turned], { approximate: text('none') }), 'float32', ['']);
    const { y } = await (await open(graph)).run({ x: new ort.Tensor('string', ['yes', 'no', 'maybe'], [3]) });
    expect([...Object(y?.data)].map((value: number) => Math.round(value * 10) / 10)).toEqual([11.5, 10.5, 9]);
  });

  it('shares small weights that are equal, and tells 0 from -0 and 1 from 1n', () => {
    const graph = createGraph();
    expect(graph.constant(doubles([1], [0]))).toBe(graph.constant(doubles([1], [0])));
    const all = [doubles([1], [0]), doubles([1], [-0]), singles([1], [0]), doubles([], [0]), longs([0])];
    expect(new Set(all.map((weights) => graph.constant(weights))).size).toBe(all.length);
  });

  it('keeps strings, 64-bit integers and negative integers', async () => {
    const graph = createGraph();
    const big = graph.constant(tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)));
    graph.output('big', big, 'int64', [2]);
    graph.output('words', graph.constant(tensor('string', [2], ['Ä', ''])), 'string', [2]);
    const last = graph.op('Gather', [big, graph.constant(longs([-1]))], { axis: integer(-1) });
    graph.output('last', last, 'int64', [1]);
    const { big: values, words, last: end } = await (await open(graph)).run({});
    expect([...Object(values?.data)]).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
    expect([...Object(words?.data)]).toEqual(['Ä', '']);
    expect([...Object(end?.data)]).toEqual([2n ** 63n - 1n]);
  });

  it('runs a graph within a node, which uses values of the graph around it', async () => {
    const graph = createGraph();
    const x = graph.input('x', 'float64', []);
    const body = graph.subgraph('body');
    body.input('iteration', 'int64', []);
    const goesOn = body.input('goes_on', 'bool', []);
    const sum = body.input('sum', 'float64', []);
    body.output('still', goesOn, 'bool', []);
    body.output('next', body.op('Add', [sum, x]), 'float64', []);
    const times = graph.constant(tensor('int64', [], BigInt64Array.of(3n)));
    const start = graph.constant(tensor('float64', [], Float64Array.of(0.5)));
    const yes = graph.constant(tensor('bool', [], Uint8Array.of(1)));
    const attribute = { body: { type: 'graph', value: body.toGraph() } } as const;
    graph.output('y', graph.op('Loop', [times, yes, start], attribute), 'float64', []);
    const { y } = await (await open(graph)).run({ x: new ort.Tensor('float64', [2], []) });
    expect([...Object(y?.data)]).toEqual([6.5]);
  });

  it('has the weights of a graph within a node, so that onnxruntime loads what it writes of it', async () => {
    const graph = createGraph();
    const x = graph.input('x', 'float64', [2]);
    const body = graph.subgraph('body');
    const row = body.input('row', 'float64', [2]);
    const product = body.op('Mul', [row, x]);
    body.output('sum', body.op('ReduceSum', [product, body.constant(longs([0]))]), 'float64', [1]);
    const rows = graph.constant(doubles([2, 2], [1, 2, 3, 4]));
    const attributes = { body: { type: 'graph', value: body.toGraph() }, num_scan_inputs: integer(1) } as const;
    graph.output('y', graph.op('Scan', [rows], attributes), 'float64', [2, 1]);
    const folder = await mkdtemp(join(tmpdir(), 'graph-builder-'));
    await writeFile(join(folder, 'made.onnx'), Buffer.concat([...graph.toModel()]));
    await bakeGraph(join(folder, 'made.onnx'), join(folder, 'baked.onnx'));
    const baked = await ort.InferenceSession.create(join(folder, 'baked.onnx'));
    await rm(folder, { recursive: true });
    const { y } = await baked.run({ x: new ort.Tensor('float64', [1, 10], [2]) });
    expect([...Object(y?.data)]).toEqual([21, 43]);
  });

  it('refuses weights whose shape has another number of elements', () => {
    expect(() => createGraph().constant(doubles([3], [1, 2]))).toThrow(RangeError);
  });

  it('is read by the reader of ONNX files, and does not copy weights', () => {
    const graph = createGraph();
    const weights = singles([1000], new Float32Array(1000).fill(7));
    graph.constant(weights);
    const chunks = graph.toModel();
    expect(chunks.some((chunk) => chunk.buffer === Object(weights.data).buffer)).toBe(true);
    expect(parseOnnxModel(Buffer.concat([...chunks])).externalData).toEqual([]);
  });
});
