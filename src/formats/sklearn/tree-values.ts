import { tensor } from '../../core/tensor.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { addTrees, type Tree } from '../trees.ts';
import { reduce, toLong } from './formulas.ts';
import { toDouble } from './frame.ts';
import type { TreeState } from './tree-state.ts';

/** `x` rounded to float32, as float64: scikit-learn's trees compare float32 with float64. */
export const throughFloat = (graph: GraphBuilder, x: Value): Value =>
  toDouble(graph, graph.op('Cast', [x], { to: integer(DATA_TYPES.float32) }));

/** The trees of an ensemble: the columns of a tree are those at `features`, where it has only a part of them. */
export interface Member {
  readonly tree: TreeState;
  readonly features?: ArrayLike<number> | undefined;
}

const isLeaf = ({ left }: TreeState, node: number): boolean => (left[node] ?? -1) < 0;

export const toTree = ({ tree, features }: Member, weight: ArrayLike<number>, target: number): Tree => ({
  ...{ left: tree.left, right: tree.right, threshold: tree.threshold, weight, target },
  ...(tree.missingLeft && { missingLeft: tree.missingLeft }),
  feature: features === undefined ? tree.feature : tree.feature.map((column) => features[column] ?? column),
});

/**
 * The value of the leaf that a row reaches in each tree, float64[N,trees,width]. The operator gives the index of the leaf, and the values come
 * from a table, so that they stay what scikit-learn reads. `fill` writes the values of a leaf into a row of the table.
 */
export const addLeafValues = (
  graph: GraphBuilder,
  x: Value,
  members: readonly Member[],
  width: number,
  fill: (tree: TreeState, leaf: number, row: Float64Array) => void,
): Value => {
  const leaves = members.reduce((sum, { tree }) => sum + tree.left.filter((child) => child < 0).length, 0);
  const table = new Float64Array(leaves * width);
  let next = 0;
  const trees = members.map((member, target) => {
    const { tree } = member;
    const weight = new Float64Array(tree.left.length);
    for (let node = 0; node < weight.length; node += 1) {
      if (!isLeaf(tree, node)) continue;
      fill(tree, node, table.subarray(next * width, (next + 1) * width));
      weight[node] = next++;
    }
    return toTree(member, weight, target);
  });
  const indices = addTrees(graph, throughFloat(graph, x), trees, {
    ...{ mode: 'LEQ', dtype: 'float64', targets: members.length },
  });
  const values = graph.constant(tensor('float64', [leaves, width], table));
  return graph.op('Gather', [values, toLong(graph, indices)], { axis: integer(0) });
};

/** The values of a leaf as they stand in the tree. */
export const copyValues = (tree: TreeState, leaf: number, row: Float64Array): void =>
  row.set(tree.values.subarray(leaf * row.length, (leaf + 1) * row.length));

/** The classes of each output as fractions of the leaf. */
export const toFractions = (tree: TreeState, leaf: number, row: Float64Array): void => {
  copyValues(tree, leaf, row);
  for (let start = 0; start < row.length; start += tree.classes) {
    const output = row.subarray(start, start + tree.classes);
    const sum = output.reduce((total, value) => total + value, 0);
    if (sum !== 0) output.set(output.map((value) => value / sum));
  }
};

/** The mean over the trees of `values` float64[N,trees,width]: float64[N,width]. */
export const meanOfTrees = (graph: GraphBuilder, values: Value, trees: number): Value => {
  const sum = reduce(graph, 'ReduceSum', values, false);
  return graph.op('Div', [sum, graph.constant(doubles([1, 1], [trees]))]);
};
