import { doubles, type GraphBuilder, longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import type { Matrix } from '../matrix.ts';
import { scalar } from './numbers.ts';

const toLong = (graph: GraphBuilder, x: Value): Value => graph.op('Cast', [x], { to: integer(DATA_TYPES.int64) });

/** The columns of a matrix as its rows. */
export const transpose = ({ rows, columns, values }: Matrix): Matrix => ({
  rows: columns,
  columns: rows,
  values: Float64Array.from(values, (_, index) => values[(index % rows) * columns + Math.floor(index / rows)] ?? 0),
});

/**
 * The number of `bounds` of its column that are at most the value, int64[N,F]; 0 for NaN. `bounds` has a row for each column of `x` [N,F]; a shorter
 * one is filled up with NaN, which bounds nothing.
 */
export const countBounds = (graph: GraphBuilder, x: Value, bounds: Matrix): Value => {
  const each = graph.op('Unsqueeze', [x, graph.constant(longs([2]))]);
  const all = graph.constant(doubles([1, bounds.rows, bounds.columns], bounds.values));
  const isReached = toLong(graph, graph.op('GreaterOrEqual', [each, all]));
  return graph.op('ReduceSum', [isReached, graph.constant(longs([2]))], { keepdims: integer(0) });
};

/** The elements of `tables`, a row for each column of `indices` int64[N,F], at these indices. */
const lookUp = (graph: GraphBuilder, indices: Value, tables: Matrix): Value => {
  const starts = longs(Array.from({ length: tables.rows }, (_, row) => row * tables.columns));
  return graph.op('Gather', [
    graph.constant(doubles([tables.values.length], tables.values)),
    graph.op('Add', [indices, graph.constant(starts)]),
  ]);
};

/**
 * `numpy.interp` of each column of `x` float64[N,F]: the line through the points (`from`, `to`), which have a row for each column; level
 * beyond their ends. NaN stays.
 */
export const interpolate = (graph: GraphBuilder, x: Value, from: Matrix, to: Matrix): Value => {
  const last = from.columns - 1;
  const slopes = Float64Array.from(from.values, (start, index) => {
    if (index % from.columns === last) return 0;
    const rise = (to.values[index + 1] ?? 0) - (to.values[index] ?? 0);
    const run = (from.values[index + 1] ?? 0) - start;
    return run === 0 ? 0 : rise / run;
  });
  const counted = graph.op('Sub', [countBounds(graph, x, from), graph.constant(longs([1]))]);
  const segment = graph.op('Max', [counted, graph.constant(longs([0]))]);
  const beyond = graph.op('Sub', [x, lookUp(graph, segment, from)]);
  const isBelow = graph.op('Less', [counted, graph.constant(longs([0]))]);
  const within = graph.op('Where', [
    graph.op('And', [isBelow, graph.op('Not', [graph.op('IsNaN', [x])])]),
    scalar(graph, 0),
    beyond,
  ]);
  const slope = lookUp(graph, segment, { ...from, values: slopes });
  return graph.op('Add', [graph.op('Mul', [slope, within]), lookUp(graph, segment, to)]);
};
