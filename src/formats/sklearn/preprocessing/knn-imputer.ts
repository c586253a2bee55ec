import { doubles, type GraphBuilder, longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { numbersOf } from '../../pickle/arrays.ts';
import { isNumpyArray } from '../../pickle/values.ts';
import type { Converter } from '../conversion.ts';
import type { Estimator } from '../estimator.ts';
import { selectColumns, toDouble, toFrame, toMatrix, widthOf } from '../frame.ts';
import type { Matrix } from '../matrix.ts';
import { indicatorOf, missingIn } from './imputers.ts';
import { scalar, sumRows, toNumbers } from './numbers.ts';

/** The rows that the imputer was fitted on. */
interface Donors extends Matrix {
  /** 1 where a value is missing. */
  readonly missing: Float64Array;
}

const readDonors = (estimator: Estimator): Donors => {
  const { rows, columns, values } = estimator.matrix('_fit_X');
  const mask = estimator.get('_mask_fit_X');
  const missing = (isNumpyArray(mask) ? numbersOf(mask) : undefined) ?? estimator.refuse('_mask_fit_X is no array');
  return { rows, columns, missing, values: values.map((value, index) => (missing[index] === 1 ? 0 : value)) };
};

/** `matrix` [M,F] as weights [F,M]. */
const transposed = (graph: GraphBuilder, { rows, columns }: Matrix, values: Float64Array): Value =>
  graph.op('Transpose', [graph.constant(doubles([rows, columns], values))], {});

/**
 * Distances of rows float64[N,F] from the donors, in the columns that both have: float64[N,M], infinite when there are none
 * (`nan_euclidean_distances`).
 */
const distances = (graph: GraphBuilder, x: Value, missingX: Value, donors: Donors): Value => {
  const { columns, values, missing } = donors;
  const filled = graph.op('Where', [missingX, scalar(graph, 0), x]);
  const absent = toDouble(graph, missingX);
  const present = graph.op('Sub', [scalar(graph, 1), absent]);
  const squaresX = graph.op('Mul', [filled, filled]);
  const squares = values.map((value) => value * value);
  const sums = Float64Array.from({ length: donors.rows }, (_, row) =>
    squares.subarray(row * columns, (row + 1) * columns).reduce((sum, square) => sum + square, 0),
  );
  const product = (left: Value, right: Float64Array): Value =>
    graph.op('MatMul', [left, transposed(graph, donors, right)]);

  const cross = graph.op('Mul', [scalar(graph, -2), product(filled, values)]);
  const whole = graph.op('Add', [
    graph.op('Add', [cross, sumRows(graph, squaresX)]),
    graph.constant(doubles([1, donors.rows], sums)),
  ]);
  const shared = graph.op('Sub', [graph.op('Sub', [whole, product(squaresX, missing)]), product(absent, squares)]);
  const count = product(
    present,
    missing.map((flag) => 1 - flag),
  );
  const positive = graph.op('Max', [shared, scalar(graph, 0)]);
  const mean = graph.op('Div', [positive, graph.op('Max', [count, scalar(graph, 1)])]);
  const distance = graph.op('Sqrt', [graph.op('Mul', [mean, scalar(graph, columns)])]);
  const hasNone = graph.op('Equal', [count, scalar(graph, 0)]);
  return graph.op('Where', [hasNone, scalar(graph, Number.POSITIVE_INFINITY), distance]);
};

/** Weights of neighbours at `near` float64[N,k]. With exact hits, these alone count; an infinite distance has no weight. */
const weigh = (graph: GraphBuilder, estimator: Estimator, near: Value): Value => {
  const [zero, one] = [scalar(graph, 0), scalar(graph, 1)];
  const isNear = toDouble(graph, graph.op('Not', [graph.op('IsInf', [near])]));
  const weights = estimator.get('weights');
  if (weights === 'uniform') return isNear;
  if (weights !== 'distance') return estimator.refuse('weights is code, expected "uniform" or "distance"');
  const isHit = graph.op('Equal', [near, zero]);
  const hits = toDouble(graph, isHit);
  const hasHit = graph.op('Greater', [sumRows(graph, hits), zero]);
  const inverse = graph.op('Div', [one, graph.op('Where', [isHit, one, near])]);
  return graph.op('Where', [hasHit, hits, inverse]);
};

/** The values that missing ones of a column become, float64[N,1]: the mean of its nearest donors, or of all donors when none is near. */
const imputeColumn = (
  estimator: Estimator,
  graph: GraphBuilder,
  distance: Value,
  { rows, columns, values, missing }: Donors,
  column: number,
): Value | undefined => {
  const able = Array.from({ length: rows }, (_, row) => row).filter((row) => missing[row * columns + column] !== 1);
  if (able.length === 0) return undefined;
  const own = able.map((row) => values[row * columns + column] ?? 0);
  const chosen = graph.op('Gather', [distance, graph.constant(longs(able))], { axis: integer(1) });
  const count = Math.min(estimator.number('n_neighbors'), able.length);
  const sortBy = { axis: integer(1), largest: integer(0) };
  const [near = '', places = ''] = graph.ops('TopK', 2, [chosen, graph.constant(longs([count]))], sortBy);
  const weights = weigh(graph, estimator, near);
  const found = graph.op('Gather', [graph.constant(doubles([own.length], own)), places]);
  const total = sumRows(graph, weights);
  const hasNone = graph.op('Equal', [total, scalar(graph, 0)]);
  const divisor = graph.op('Where', [hasNone, scalar(graph, 1), total]);
  const average = graph.op('Div', [sumRows(graph, graph.op('Mul', [weights, found])), divisor]);
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
  return graph.op('Where', [hasNone, scalar(graph, mean), average]);
};

export const knnImputer: Converter = (estimator, frame, { graph }) => {
  if (estimator.get('metric') !== 'nan_euclidean') return estimator.refuse('metric is code, expected "nan_euclidean"');
  const width = widthOf(frame);
  const x = toNumbers(estimator, frame, graph);
  const [block] = toFrame(x, width);
  if (block === undefined) return { frame };
  const isAbsent = missingIn(graph, block, estimator.get('missing_values'));
  const donors = readDonors(estimator);
  const distance = distances(graph, x, isAbsent, donors);
  const keepsEmpty = estimator.find('keep_empty_features') === true;
  const columns = Array.from({ length: width }, (_, column) => {
    const value = imputeColumn(estimator, graph, distance, donors, column);
    const [own] = selectColumns(graph, toFrame(x, width), [column]);
    if (own === undefined) return [];
    if (value === undefined)
      return keepsEmpty
        ? [{ ...own, value: graph.op('Mul', [toDouble(graph, missingIn(graph, own, null)), scalar(graph, 0)]) }]
        : [];
    const filling = graph.op('Where', [missingIn(graph, own, estimator.get('missing_values')), value, own.value]);
    return [{ ...own, value: filling }];
  }).flat();
  const made = [...columns, ...indicatorOf(estimator, graph, frame)];
  return { frame: toFrame(toMatrix(graph, made), widthOf(made)) };
};
