import { doubles, type GraphBuilder, singles, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { addTrees, type Tree } from '../trees.ts';

/** The sums float32[N,outputs] of a row's leaves, in the order of XGBoost: `base` first, which is a tree of one leaf for each output. */
export const addTreeSums = (
  graph: GraphBuilder,
  x: Value,
  trees: readonly Tree[],
  { base, categorical, columns }: { base: readonly number[]; categorical: ReadonlySet<number>; columns: number },
): Value => {
  const first = base.map(
    (weight, target): Tree => ({ left: [-1], right: [-1], feature: [0], threshold: [0], weight: [weight], target }),
  );
  const row = graph.op('Cast', [x], { to: integer(DATA_TYPES.float32) });
  const codes = categorical.size === 0 ? row : floorCodes(graph, row, categorical, columns);
  return addTrees(graph, codes, [...first, ...trees], { mode: 'LT', dtype: 'float32', targets: base.length });
};

/** The values of columns with categories, rounded down: XGBoost takes 3.7 for category 3, and -0.5 for none. */
const floorCodes = (graph: GraphBuilder, row: Value, categorical: ReadonlySet<number>, columns: number): Value => {
  const marks = Array.from({ length: columns }, (_, column) => Number(categorical.has(column)));
  const isCode = graph.op('Cast', [graph.constant(singles([1, columns], marks))], { to: integer(DATA_TYPES.bool) });
  return graph.op('Where', [isCode, graph.op('Floor', [row]), row]);
};

/** The sums of gblinear float64[N,outputs]: `weights` [columns+1,outputs] end with the bias; a missing value counts as 0. */
export const addLinearSums = (
  graph: GraphBuilder,
  x: Value,
  weights: ArrayLike<number>,
  base: readonly number[],
): Value => {
  const outputs = base.length;
  const single = graph.op('Cast', [x], { to: integer(DATA_TYPES.float32) });
  const row = graph.op('Cast', [single], { to: integer(DATA_TYPES.float64) });
  const known = graph.op('Where', [graph.op('IsNaN', [row]), graph.constant(doubles([1], [0])), row]);
  const slopes = Array.from(weights).slice(0, -outputs);
  const bias = base.map((score, output) => score + (weights[slopes.length + output] ?? 0));
  const product = graph.op('MatMul', [known, graph.constant(doubles([slopes.length / outputs, outputs], slopes))]);
  return graph.op('Add', [product, graph.constant(doubles([1, outputs], bias))]);
};
