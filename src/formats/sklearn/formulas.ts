import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { rowOf, toDouble } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** A number, as a value [1,1] that goes with each row. */
export const scalar = (graph: GraphBuilder, value: number): Value => rowOf(graph, [value]);

/** `x` [N,F] times the transpose of `weights` [K,F], plus a number for each of the K columns. */
export const addLinear = (graph: GraphBuilder, x: Value, weights: Matrix, offsets?: ArrayLike<number>): Value => {
  const { rows, columns, values } = weights;
  const inputs = [x, graph.constant(doubles([rows, columns], values))];
  if (offsets !== undefined) inputs.push(graph.constant(doubles([offsets.length], offsets)));
  return graph.op('Gemm', inputs, { transB: integer(1) });
};

/** Columns of `x` side by side, float64[N,indices]. */
export const pick = (graph: GraphBuilder, x: Value, ...indices: readonly number[]): Value =>
  graph.op('Gather', [x, graph.constant(longs(indices))], { axis: integer(1) });

export const join = (graph: GraphBuilder, values: readonly Value[]): Value =>
  values.length === 1 ? (values[0] ?? '') : graph.op('Concat', values, { axis: integer(1) });

/** `ReduceSum`, `ReduceMean` or another reduction of axis 1; [N,1] of a matrix. */
export const reduce = (graph: GraphBuilder, operator: string, x: Value, keep = true): Value =>
  graph.op(operator, [x, graph.constant(longs([1]))], { keepdims: integer(Number(keep)) });

export const sumRow = (graph: GraphBuilder, x: Value): Value => reduce(graph, 'ReduceSum', x);

/** The sum of values, added from left to right. */
export const sumOf = (graph: GraphBuilder, values: readonly Value[]): Value =>
  values.length === 1 ? (values[0] ?? '') : graph.op('Sum', values);

export const meanOf = (graph: GraphBuilder, values: readonly Value[]): Value =>
  graph.op('Div', [sumOf(graph, values), scalar(graph, values.length)]);

/** `1 - p` and `p` [N,1], side by side. */
export const toPair = (graph: GraphBuilder, p: Value): Value =>
  join(graph, [graph.op('Sub', [scalar(graph, 1), p]), p]);

/** `-z` and `z` [N,1], side by side. */
export const toOpposites = (graph: GraphBuilder, z: Value): Value => join(graph, [graph.op('Neg', [z]), z]);

export const softmax = (graph: GraphBuilder, x: Value): Value => graph.op('Softmax', [x], { axis: integer(1) });

export const square = (graph: GraphBuilder, x: Value): Value => graph.op('Mul', [x, x]);

export const clip = (graph: GraphBuilder, x: Value, low: number, high: number): Value =>
  graph.op('Min', [graph.op('Max', [x, scalar(graph, low)]), scalar(graph, high)]);

/** Each row divided by its sum; a row whose sum is 0 becomes `otherwise` in every column. */
export const normalise = (graph: GraphBuilder, x: Value, otherwise: number): Value => {
  const sum = sumRow(graph, x);
  const isZero = graph.op('Equal', [sum, scalar(graph, 0)]);
  const divisor = graph.op('Where', [isZero, scalar(graph, 1), sum]);
  return graph.op('Where', [isZero, scalar(graph, otherwise), graph.op('Div', [x, divisor])]);
};

/** The index of the first of the largest numbers of each row, int64[N]. */
export const argMax = (graph: GraphBuilder, x: Value): Value =>
  graph.op('ArgMax', [x], { axis: integer(1), keepdims: integer(0) });

/** The index of the first of the smallest numbers of each row, int64[N]. */
export const argMin = (graph: GraphBuilder, x: Value): Value =>
  graph.op('ArgMin', [x], { axis: integer(1), keepdims: integer(0) });

/** int64 of the same shape. */
export const toLong = (graph: GraphBuilder, x: Value): Value =>
  graph.op('Cast', [x], { to: integer(DATA_TYPES.int64) });

/** [N] as [N,1]. */
export const toColumn = (graph: GraphBuilder, x: Value): Value =>
  graph.op('Unsqueeze', [x, graph.constant(longs([1]))]);

/** [N,1] as [N]. */
export const toList = (graph: GraphBuilder, x: Value): Value => graph.op('Squeeze', [x, graph.constant(longs([1]))]);

/** Indices int64[N] of `count` classes as rows float64[N,count] of zeros and a one. */
export const oneHot = (graph: GraphBuilder, indices: Value, count: number): Value => {
  const classes = graph.constant(longs(Array.from({ length: count }, (_, index) => index)));
  return toDouble(graph, graph.op('Equal', [toColumn(graph, indices), classes]));
};

/** float64 rows of a constant for each row of `x` [N,F]. */
export const repeatRow = (graph: GraphBuilder, x: Value, row: ArrayLike<number>): Value => {
  const [rows = ''] = [graph.op('Shape', [x], { end: integer(1) })];
  const shape = graph.op('Concat', [rows, graph.constant(longs([row.length]))], { axis: integer(0) });
  return graph.op('Expand', [rowOf(graph, row), shape]);
};

/**
 * Squared Euclidean distances of the rows of `x` [N,F] from `points` [M,F], never below 0: float64[N,M]. Both are moved to the middle of the
 * points first, since the products of large numbers leave no digits for their difference.
 */
export const squaredDistances = (graph: GraphBuilder, given: Value, { rows, columns, values: all }: Matrix): Value => {
  const middle = new Float64Array(columns);
  all.forEach((value, index) => {
    middle[index % columns] = (middle[index % columns] ?? 0) + value / rows;
  });
  const values = all.map((value, index) => value - (middle[index % columns] ?? 0));
  const points = { rows, columns, values };
  const x = graph.op('Sub', [given, rowOf(graph, middle)]);
  const norms = Float64Array.from({ length: rows }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value * value, 0),
  );
  const products = graph.op('Mul', [scalar(graph, -2), addLinear(graph, x, points)]);
  const squares = sumRow(graph, square(graph, x));
  const sum = graph.op('Add', [graph.op('Add', [products, squares]), rowOf(graph, norms)]);
  return graph.op('Max', [sum, scalar(graph, 0)]);
};

/** The rows of a matrix. */
export const rowsOf = ({ rows, columns, values }: Matrix): Float64Array[] =>
  Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));

/** A matrix of a single row. */
export const toMatrixOfRow = (values: Float64Array): Matrix => ({ rows: 1, columns: values.length, values });

/** The transpose. */
export const transpose = ({ rows, columns, values }: Matrix): Matrix => ({
  rows: columns,
  columns: rows,
  values: Float64Array.from(
    { length: rows * columns },
    (_, index) => values[(index % rows) * columns + Math.floor(index / rows)] ?? 0,
  ),
});

/** The piecewise linear function through the points (`xs`, `ys`), for `x` [N,1] within the range of `xs`, which ascend. */
export const interpolate = (graph: GraphBuilder, x: Value, xs: Float64Array, ys: Float64Array): Value => {
  const last = xs.length - 1;
  if (last < 1) return repeatRow(graph, x, ys.subarray(0, 1));
  const below = toDouble(graph, graph.op('Less', [rowOf(graph, xs), x]));
  const upper = toLong(graph, clip(graph, sumRow(graph, below), 1, last));
  const at = (values: Float64Array, index: Value): Value =>
    graph.op('Gather', [graph.constant(doubles([values.length], values)), index]);
  const [fromX, fromY] = [xs.subarray(0, last), ys.subarray(0, last)];
  const slopes = fromX.map(
    (start, index) => ((ys[index + 1] ?? 0) - (ys[index] ?? 0)) / ((xs[index + 1] ?? 0) - start),
  );
  const lower = graph.op('Sub', [upper, graph.constant(longs([1]))]);
  const distance = graph.op('Sub', [x, at(fromX, lower)]);
  return graph.op('Add', [graph.op('Mul', [at(slopes, lower), distance]), at(fromY, lower)]);
};
