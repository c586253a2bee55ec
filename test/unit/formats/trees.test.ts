import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { addTrees, type Tree } from '../../../src/formats/trees.ts';
import { createGraph } from '../../../src/onnx/graph-builder.ts';

const run = async (trees: readonly Tree[], rows: readonly number[][], mode: 'LEQ' | 'LT' = 'LEQ', targets = 1) => {
  const graph = createGraph();
  const columns = rows[0]?.length ?? 0;
  const x = graph.input('x', 'float64', ['rows', columns]);
  graph.output('y', addTrees(graph, x, trees, { mode, dtype: 'float64', targets }), 'float64', ['rows', targets]);
  const session = await ort.InferenceSession.create(Buffer.concat([...graph.toModel()]), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const { y } = await session.run({ x: new ort.Tensor('float64', rows.flat(), [rows.length, columns]) });
  return [...Object(y?.data)];
};

const stump: Tree = {
  left: [1, -1, -1],
  right: [2, -1, -1],
  feature: [0, 0, 0],
  threshold: [0.1, 0, 0],
  weight: [0, 1, 2],
  target: 0,
};

describe('trees', () => {
  it('a row equal to the threshold passes LEQ, and fails LT', async () => {
    const rows = [[0.1], [0.1 + 1e-16 * 2], [-5]];
    expect(await run([stump], rows)).toEqual([1, 2, 1]);
    expect(await run([stump], rows, 'LT')).toEqual([2, 2, 1]);
  });

  it('missing values go right, or left where the node says so', async () => {
    expect(await run([stump, { ...stump, missingLeft: [1, 0, 0], weight: [0, 10, 20] }], [[Number.NaN]])).toEqual([12]);
  });

  it('a tree of one leaf gives its weight', async () => {
    const leaf = { left: [-1], right: [-1], feature: [-2], threshold: [-2], weight: [0.25], target: 1 };
    expect(await run([stump, leaf], [[0], [1]], 'LEQ', 2)).toEqual([1, 0.25, 2, 0.25]);
  });

  it('no value passes the test of a node on no category, and missing ones go where the node says', async () => {
    const tree: Tree = { ...stump, categories: new Map([[0, []]]), missingLeft: [1, 0, 0] };
    const rows = [[0], [-1], [Number.NEGATIVE_INFINITY], [Number.NaN]];
    expect(await run([tree], rows)).toEqual([2, 2, 2, 1]);
    expect(await run([{ ...tree, missingLeft: [0, 0, 0] }, stump], [[Number.NaN], [0]])).toEqual([4, 3]);
  });

  it('nodes that test categories each have their own', async () => {
    const tree: Tree = {
      ...{ left: [1, 3, 5, -1, -1, -1, -1], right: [2, 4, 6, -1, -1, -1, -1], feature: [0, 1, 1, 0, 0, 0, 0] },
      ...{ threshold: [0, 0, 0, 0, 0, 0, 0], weight: [0, 0, 0, 1, 2, 3, 4], target: 0 },
      categories: new Map([
        [0, [1, 3]],
        [1, [7]],
        [2, [8, 9, 40]],
      ]),
    };
    const rows = [
      [1, 7],
      [3, 8],
      [2, 8],
      [2, 40],
      [2, 7],
    ];
    expect(await run([tree], rows)).toEqual([1, 2, 3, 3, 4]);
  });

  it('a chain of ten thousand tests is built without recursion, and runs', async () => {
    const depth = 10_000;
    const nodes = Array.from({ length: 2 * depth + 1 }, (_, node) => node);
    const tree: Tree = {
      left: nodes.map((node) => (node % 2 === 0 && node < 2 * depth ? node + 1 : -1)),
      right: nodes.map((node) => (node % 2 === 0 && node < 2 * depth ? node + 2 : -1)),
      feature: nodes.map(() => 0),
      threshold: nodes.map((node) => node / 2),
      weight: nodes,
      target: 0,
    };
    expect(await run([tree], [[5], [depth + 1]])).toEqual([11, 2 * depth]);
  });
});
