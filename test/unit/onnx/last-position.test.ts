import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type Tensors, tensor } from '../../../src/core/tensor.ts';
import { createSession } from '../../../src/engine/session.ts';
import { toPieces } from '../../../src/onnx/chunks.ts';
import { createGraph, type GraphBuilder, singles, type Value } from '../../../src/onnx/graph-builder.ts';
import { readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { withLastPosition } from '../../../src/onnx/last-position.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';

const folder = await mkdtemp(join(tmpdir(), 'last-position-'));
afterAll(() => rm(folder, { recursive: true }));

/** A graph of `x` float32[batch,positions,2], whose output `logits` [batch,positions,3] ends with `finish`. */
const build = (finish: (graph: GraphBuilder, product: Value) => Value) => {
  const graph = createGraph();
  const x = graph.input('x', 'float32', ['batch', 'positions', 2]);
  const product = graph.op('MatMul', [x, graph.constant(singles([2, 3], [1, 2, 3, 4, 5, 6]))]);
  graph.output('logits', finish(graph, product), 'float32', ['batch', 'positions', 3]);
  return parseOnnxModel(Buffer.concat([...toPieces(graph.toModel())]));
};

const cap = (graph: GraphBuilder, product: Value): Value => {
  const limit = graph.constant(singles([], [30]));
  return graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [product, limit])]), limit]);
};

const X = tensor(
  'float32',
  [2, 3, 2],
  Float32Array.from({ length: 12 }, (_, index) => index - 4),
);

const run = async (bytes: Iterable<Uint8Array>, name: string) => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const session = await createSession(path, 1769);
  const outputs: Tensors = await session.run({ x: X });
  await session.release();
  return { logits: outputs.logits, shape: session.signature.outputs[0]?.shape };
};

describe('the last position of an output', () => {
  it.each([
    ['a product', (_graph: GraphBuilder, product: Value) => product],
    ['a product with a soft cap, as of Gemma 2', cap],
  ])('is computed alone, with the same numbers: %s', async (_name, finish) => {
    const model = build(finish);
    const document = readGraph(model);
    const cut = withLastPosition(document.graph, 'logits');
    const whole = await run(writeGraph(model, document), 'whole.onnx');
    const last = await run(writeGraph(model, { ...document, graph: cut }), 'last.onnx');

    expect(whole.shape).toEqual(['batch', 'positions', 3]);
    expect(last.shape).toEqual(['batch', 1, 3]);
    const rows = [...(whole.logits?.data ?? [])];
    expect([...(last.logits?.data ?? [])]).toEqual([...rows.slice(6, 9), ...rows.slice(15, 18)]);
  });

  it('stays with the others where they decide it, too, or the output is not known', () => {
    const softmax = readGraph(build((graph, product) => graph.op('Softmax', [product]))).graph;
    const sum = readGraph(build((graph, product) => graph.op('Add', [product, graph.op('Tanh', [product])]))).graph;
    const plain = readGraph(build((_graph, product) => product)).graph;
    expect(withLastPosition(softmax, 'logits')).toBe(softmax);
    expect(withLastPosition(sum, 'logits')).toBe(sum);
    expect(withLastPosition(plain, 'other')).toBe(plain);
    const cut = withLastPosition(plain, 'logits');
    expect(withLastPosition(cut, 'logits')).toBe(cut);
  });
});
