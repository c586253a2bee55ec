import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { numbersOf } from '../../pickle/arrays.ts';
import { isNumpyArray } from '../../pickle/values.ts';
import type { Converters } from '../conversion.ts';
import { type Estimator, toItems } from '../estimator.ts';
import { rowOf, selectColumns, toDouble, toFrame, toMatrix, widthOf } from '../frame.ts';
import { oneHot } from './encoders.ts';
import { countBounds, interpolate, transpose } from './interpolation.ts';
import { normalQuantile } from './normal-quantile.ts';
import { clamp, columnwise, expMinusOne, logOnePlus, scalar, toNumbers } from './numbers.ts';
import { SCALING } from './scaling.ts';

/** (base^λ - 1) / λ of each column, and log(base) where λ is 0. `logarithm` is log(base). */
const powerOf = (graph: GraphBuilder, logarithm: Value, lambdas: readonly number[]): Value => {
  const isZero = lambdas.map((lambda) => Math.abs(lambda) < Number.EPSILON);
  const divisors = lambdas.map((lambda, index) => (isZero[index] ? 1 : lambda));
  const power = expMinusOne(graph, graph.op('Mul', [logarithm, rowOf(graph, divisors)]));
  const divided = graph.op('Div', [power, rowOf(graph, divisors)]);
  const flags = graph.op('Greater', [rowOf(graph, isZero.map(Number)), scalar(graph, 0)]);
  return graph.op('Where', [flags, logarithm, divided]);
};

const POWERS: Readonly<Record<string, (graph: GraphBuilder, x: Value, lambdas: readonly number[]) => Value>> = {
  'box-cox': (graph, x, lambdas) => powerOf(graph, graph.op('Log', [x]), lambdas),
  'yeo-johnson': (graph, x, lambdas) => {
    const [zero, magnitude] = [scalar(graph, 0), logOnePlus(graph, graph.op('Abs', [x]))];
    const above = powerOf(graph, magnitude, lambdas);
    const below = graph.op('Neg', [
      powerOf(
        graph,
        magnitude,
        lambdas.map((lambda) => 2 - lambda),
      ),
    ]);
    return graph.op('Where', [graph.op('GreaterOrEqual', [x, zero]), above, below]);
  },
};

/** Values so near to an end of the quantiles count as that end. */
const END = 1e-7;
/** The ends of the results: scipy's quantiles of `END` and 1 - `END`, less the spacing of float64. */
const LOWEST = -5.199337582605575;
const HIGHEST = 5.19933758270342;

const quantileTransform = (graph: GraphBuilder, x: Value, estimator: Estimator): Value => {
  const from = transpose(estimator.matrix('quantiles_'));
  const references = estimator.vector('references_');
  const { rows, columns } = from;
  const all = (values: ArrayLike<number>) => ({
    ...{ rows, columns },
    values: Float64Array.from({ length: rows * columns }, (_, index) => values[index % columns] ?? 0),
  });
  const backwards = {
    ...{ rows, columns },
    values: from.values.map(
      (_, index) => -(from.values[Math.floor(index / columns) * columns + columns - 1 - (index % columns)] ?? 0),
    ),
  };
  // Equal quantiles make a step; the mean of both directions is the middle of it.
  const upwards = interpolate(graph, x, from, all(references));
  const downwards = interpolate(
    graph,
    graph.op('Neg', [x]),
    backwards,
    all(references.map((value) => -value).reverse()),
  );
  const middle = graph.op('Mul', [graph.op('Sub', [upwards, downwards]), scalar(graph, 0.5)]);

  const isNormal = estimator.text('output_distribution') === 'normal';
  const [first, last] = [0, columns - 1].map((at) =>
    rowOf(
      graph,
      Array.from({ length: rows }, (_, row) => from.values[row * columns + at] ?? 0),
    ),
  );
  const near = (operator: string, distance: number, end: Value = '') =>
    isNormal ? graph.op(operator, [graph.op('Add', [x, scalar(graph, distance)]), end]) : graph.op('Equal', [x, end]);
  const below = graph.op('Where', [near('Greater', END, last), scalar(graph, 1), middle]);
  const share = graph.op('Where', [near('Less', -END, first), scalar(graph, 0), below]);
  if (!isNormal) return share;
  // Beyond END the result is cut off anyway, and the quantile of 0 is no number.
  return clamp(graph, normalQuantile(graph, clamp(graph, share, END / 2, 1 - END / 2)), LOWEST, HIGHEST);
};

/** Edges of the bins of each column. */
const readEdges = (estimator: Estimator): Float64Array[] =>
  estimator.items('bin_edges_').map((edges) => {
    const numbers = isNumpyArray(edges) ? numbersOf(edges) : undefined;
    return numbers ?? estimator.refuse('bin_edges_ has a column that is no array of numbers');
  });

/** Before 1.1, values a little below an edge counted as above it. */
const RTOL = 1e-5;
const ATOL = 1e-8;

const binIndices = (graph: GraphBuilder, x: Value, estimator: Estimator): Value => {
  const inner = readEdges(estimator).map((edges) => edges.slice(1, -1));
  const columns = Math.max(1, ...inner.map(({ length }) => length));
  const values = inner.flatMap((edges) => Array.from({ length: columns }, (_, index) => edges[index] ?? Number.NaN));
  const isOld = /^1[.]0[.]/.test(estimator.version);
  const room = (): Value =>
    graph.op('Add', [graph.op('Mul', [graph.op('Abs', [x]), scalar(graph, RTOL)]), scalar(graph, ATOL)]);
  const moved = isOld ? graph.op('Add', [x, room()]) : x;
  return toDouble(graph, countBounds(graph, moved, { rows: inner.length, columns, values: Float64Array.from(values) }));
};

export const DISTRIBUTIONS: Converters = {
  PowerTransformer: (estimator, frame, conversion) => {
    const { graph } = conversion;
    const method = estimator.text('method');
    const lambdas = [...estimator.vector('lambdas_')];
    const transform = POWERS[method] ?? estimator.refuse(`method is "${method}", expected yeo-johnson or box-cox`);
    const powers = toFrame(transform(graph, toNumbers(estimator, frame, graph), lambdas), widthOf(frame));
    if (!estimator.flag('standardize')) return { frame: powers };
    return SCALING.StandardScaler?.(estimator.estimator('_scaler'), powers, conversion) ?? { frame: powers };
  },

  QuantileTransformer: columnwise(quantileTransform),

  KBinsDiscretizer: (estimator, frame, { graph }) => {
    const bins = binIndices(graph, toNumbers(estimator, frame, graph), estimator);
    const width = widthOf(frame);
    if (!estimator.text('encode').startsWith('onehot')) return { frame: toFrame(bins, width) };
    const counts = toItems(estimator.get('n_bins_'))?.map(Number) ?? [];
    const parts = counts.map((count, index) => {
      const column = toMatrix(graph, selectColumns(graph, toFrame(bins, width), [index]));
      return { value: oneHot(graph, column, count), width: count, dtype: 'float64' as const };
    });
    return { frame: toFrame(toMatrix(graph, parts), widthOf(parts)) };
  },
};
