import type { Tensor } from '../../core/tensor.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { classesOfTargets } from './classes.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, clip, join, pick, reduce, rowsOf, scalar, squaredDistances, sumOf } from './formulas.ts';
import type { Frame } from './frame.ts';
import { rowOf, toDouble, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** The neighbours of each row among the training rows, nearest first. */
interface Neighbours {
  /** int64[N,k]. */
  readonly indices: Value;
  /** float64[N,k]. */
  readonly distances: Value;
}

/** Candidates beyond the neighbours, since the fast formula may put rows into another order than the exact one. */
const SPARE_CANDIDATES = 16;

const smallest = (graph: GraphBuilder, x: Value, count: number): Value[] =>
  graph.ops('TopK', 2, [x, graph.constant(longs([count]))], { axis: integer(1), largest: integer(0) });

const takeAlong = (graph: GraphBuilder, x: Value, indices: Value): Value =>
  graph.op('GatherElements', [x, indices], { axis: integer(1) });

/**
 * The nearest rows of `points` [M,F]. A matrix product finds candidates; their distances are computed again from differences, so that a row of
 * the training data is at distance 0, and equal distances are equal. The first of equal ones comes first.
 */
const addEuclidean = (graph: GraphBuilder, x: Value, points: Matrix, count: number): Neighbours => {
  const candidates = Math.min(points.rows, count + SPARE_CANDIDATES);
  const [, found = ''] = smallest(graph, squaredDistances(graph, x, points), candidates);
  const [inOrder = ''] = smallest(graph, toDouble(graph, found), candidates);
  const indices = graph.op('Cast', [inOrder], { to: integer(DATA_TYPES.int64) });
  const rows = graph.op('Gather', [graph.constant(doubles([points.rows, points.columns], points.values)), indices]);
  const differences = graph.op('Sub', [graph.op('Unsqueeze', [x, graph.constant(longs([1]))]), rows]);
  const squares = graph.op('Mul', [differences, differences]);
  const exact = graph.op('ReduceSum', [squares, graph.constant(longs([2]))], { keepdims: integer(0) });
  const [distances = '', places = ''] = smallest(graph, exact, count);
  return { indices: takeAlong(graph, indices, places), distances: graph.op('Sqrt', [distances]) };
};

/** Distances [N,M] of other metrics, column by column. */
export const addDistances = (graph: GraphBuilder, x: Value, points: Matrix, metric: string, p: number): Value => {
  const columns = Array.from({ length: points.columns }, (_, column) => {
    const values = points.values.filter((_value, index) => index % points.columns === column);
    const size = graph.op('Abs', [graph.op('Sub', [pick(graph, x, column), rowOf(graph, values)])]);
    return metric === 'minkowski' && p !== 1 ? graph.op('Pow', [size, scalar(graph, p)]) : size;
  });
  if (metric === 'chebyshev') return columns.length === 1 ? (columns[0] ?? '') : graph.op('Max', columns);
  const sum = sumOf(graph, columns);
  return metric === 'minkowski' && p !== 1 ? graph.op('Pow', [sum, scalar(graph, 1 / p)]) : sum;
};

/** Distances [N,M] by the angle: 1 - cos. A row of zeros is at distance 1 from all. */
export const addCosine = (graph: GraphBuilder, x: Value, points: Matrix): Value => {
  const toUnit = (values: Float64Array): Float64Array => {
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return values.map((value) => value / (norm || 1));
  };
  const units = { ...points, values: Float64Array.from(rowsOf(points).flatMap((row) => [...toUnit(row)])) };
  const norm = graph.op('Sqrt', [reduce(graph, 'ReduceSum', graph.op('Mul', [x, x]))]);
  const isZero = graph.op('Equal', [norm, scalar(graph, 0)]);
  const unit = graph.op('Div', [x, graph.op('Where', [isZero, scalar(graph, 1), norm])]);
  return clip(graph, graph.op('Sub', [scalar(graph, 1), addLinear(graph, unit, units)]), 0, 2);
};

const METRICS = ['euclidean', 'minkowski', 'manhattan', 'chebyshev', 'cosine'];
/** Other names of metrics. */
const SAME: Readonly<Record<string, string>> = { l1: 'manhattan', cityblock: 'manhattan', l2: 'euclidean' };

export const readMetric = (estimator: Estimator): { metric: string; p: number } => {
  const named = estimator.text('effective_metric_');
  const metric = SAME[named] ?? named;
  const settings = estimator.find('effective_metric_params_');
  const p = settings instanceof Map ? settings.get('p') : undefined;
  const weights = settings instanceof Map ? settings.get('w') : undefined;
  if (!METRICS.includes(metric) || (weights !== undefined && weights !== null))
    estimator.refuse(`its metric is ${metric}${weights ? ' with weights' : ''}, expected one of ${METRICS.join(', ')}`);
  return { metric, p: typeof p === 'number' ? p : metric === 'manhattan' ? 1 : 2 };
};

/** The `count` nearest training rows of an estimator. */
export const addNeighbours = (
  estimator: Estimator,
  frame: Frame,
  { graph }: Conversion,
  count: number = estimator.number('n_neighbors'),
): Neighbours => {
  const points = estimator.matrix('_fit_X');
  if (!(count >= 1 && count <= points.rows))
    estimator.refuse(`n_neighbors is ${count}, expected 1 to ${points.rows}, the rows of its training data`);
  const { metric, p } = readMetric(estimator);
  const x = toMatrix(graph, frame);
  if (metric === 'euclidean' || (metric === 'minkowski' && p === 2)) return addEuclidean(graph, x, points, count);
  const all = metric === 'cosine' ? addCosine(graph, x, points) : addDistances(graph, x, points, metric, p);
  const [distances = '', indices = ''] = smallest(graph, all, count);
  return { distances, indices };
};

/** The weights of the neighbours, float64[N,k]; undefined for equal ones. A row at distance 0 leaves no weight to others. */
export const addWeights = (estimator: Estimator, graph: GraphBuilder, distances: Value): Value | undefined => {
  const weights = estimator.get('weights');
  if (weights === 'uniform' || weights === null) return undefined;
  if (weights !== 'distance') return estimator.refuse('its weights are a function, expected uniform or distance');
  const isHit = graph.op('Equal', [distances, scalar(graph, 0)]);
  const hits = toDouble(graph, isHit);
  const hasHit = graph.op('Greater', [reduce(graph, 'ReduceSum', hits), scalar(graph, 0)]);
  const shares = graph.op('Div', [scalar(graph, 1), graph.op('Where', [isHit, scalar(graph, 1), distances])]);
  return graph.op('Where', [hasHit, hits, shares]);
};

/** A column of `_y` for each target. */
export const targetsOf = (estimator: Estimator): Float64Array[] => {
  const { values } = estimator.matrix('_y');
  const count = values.length / estimator.matrix('_fit_X').rows;
  if (!Number.isInteger(count) || count === 0) estimator.refuse('_y and _fit_X differ in their number of rows');
  return Array.from({ length: count }, (_, target) => values.filter((_value, index) => index % count === target));
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { indices, distances } = addNeighbours(estimator, frame, conversion);
  const weights = addWeights(estimator, graph, distances);
  const counts = classesOfTargets(estimator).map(({ length }) => length);
  const each = targetsOf(estimator).map((classes, target) => {
    const of = graph.op('Gather', [graph.constant(longs(classes)), indices]);
    const columns = Array.from({ length: counts[target] ?? 0 }, (_, index) => {
      const isOf = toDouble(graph, graph.op('Equal', [of, graph.constant(longs([index]))]));
      return reduce(graph, 'ReduceSum', weights === undefined ? isOf : graph.op('Mul', [isOf, weights]));
    });
    const votes = join(graph, columns);
    return { probabilities: graph.op('Div', [votes, reduce(graph, 'ReduceSum', votes)]) };
  });
  const [first = {}] = each;
  return each.length === 1 ? first : { targets: each };
};

const regressor: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { indices, distances } = addNeighbours(estimator, frame, conversion);
  const weights = addWeights(estimator, graph, distances);
  const columns = targetsOf(estimator).map((values) => {
    const of = graph.op('Gather', [graph.constant(vectorOf(values)), indices]);
    if (weights === undefined) return reduce(graph, 'ReduceMean', of);
    const sum = reduce(graph, 'ReduceSum', graph.op('Mul', [of, weights]));
    return graph.op('Div', [sum, reduce(graph, 'ReduceSum', weights)]);
  });
  return { prediction: join(graph, columns) };
};

const vectorOf = (values: Float64Array): Tensor => doubles([values.length], values);

export const NEIGHBOURS: Converters = {
  ...{ KNeighborsClassifier: classifier, KNeighborsRegressor: regressor },
};
