import type { Value } from '../../onnx/graph-builder.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray } from '../pickle/values.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator, Matrix } from './estimator.ts';
import {
  addLinear,
  argMin,
  join,
  rowsOf,
  scalar,
  softmax,
  square,
  squaredDistances,
  sumRow,
  transpose,
} from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';

/** The nearest centre. `transform` gives the distances from all. */
const centres: Converter = (estimator, frame, { graph }) => {
  const centers = estimator.matrix('cluster_centers_');
  const squares = squaredDistances(graph, toMatrix(graph, frame), centers);
  return { frame: toFrame(graph.op('Sqrt', [squares]), centers.rows), classIndex: argMin(graph, squares) };
};

/** The factor of the precisions of component `index` as weights [F,F] or as a diagonal, and the logarithm of its determinant. */
const readFactor = (estimator: Estimator, index: number, features: number): { weights: Matrix; log: number } => {
  const type = estimator.text('covariance_type');
  const array = estimator.get('precisions_cholesky_');
  const all = isNumpyArray(array) ? numbersOf(array) : undefined;
  if (all === undefined) return estimator.refuse('precisions_cholesky_ is no array of numbers');
  const weights = new Float64Array(features * features);
  const size = features * features;
  if (type === 'full' || type === 'tied')
    weights.set(type === 'full' ? all.subarray(index * size, (index + 1) * size) : all);
  else
    for (let column = 0; column < features; column += 1)
      weights[column * (features + 1)] = (type === 'diag' ? all[index * features + column] : all[index]) ?? 0;
  const diagonal = weights.filter((_, at) => at % (features + 1) === 0);
  return {
    weights: { rows: features, columns: features, values: weights },
    log: diagonal.reduce((sum, value) => sum + Math.log(value), 0),
  };
};

const addComponents = (estimator: Estimator, x: Value, { graph }: Conversion): Value => {
  const means = estimator.matrix('means_');
  const shares = estimator.vector('weights_');
  const scores = rowsOf(means).map((mean, index) => {
    const { weights, log } = readFactor(estimator, index, means.columns);
    const y = addLinear(graph, graph.op('Sub', [x, rowOf(graph, mean)]), transpose(weights));
    const distance = graph.op('Mul', [scalar(graph, -0.5), sumRow(graph, square(graph, y))]);
    const constant = log - 0.5 * means.columns * Math.log(2 * Math.PI) + Math.log(shares[index] ?? 0);
    return graph.op('Add', [distance, scalar(graph, constant)]);
  });
  return join(graph, scores);
};

const mixture: Converter = (estimator, frame, conversion) => ({
  probabilities: softmax(conversion.graph, addComponents(estimator, toMatrix(conversion.graph, frame), conversion)),
});

/** The label of the nearest of many sub-clusters. */
const birch: Converter = (estimator, frame, { graph }) => {
  const centers = estimator.matrix('subcluster_centers_');
  const labels = estimator.vector('subcluster_labels_');
  const nearest = argMin(graph, squaredDistances(graph, toMatrix(graph, frame), centers));
  const table = graph.constant({ dtype: 'int64', shape: [labels.length], data: BigInt64Array.from(labels, BigInt) });
  return { classIndex: graph.op('Gather', [table, nearest]) };
};

export const CLUSTERING: Converters = {
  ...{ KMeans: centres, MiniBatchKMeans: centres, MeanShift: centres, AffinityPropagation: centres, Birch: birch },
  GaussianMixture: mixture,
};

/** The clusters, of which each has a label. */
export const countClusters = (estimator: Estimator): number | undefined => {
  if (!Object.hasOwn(CLUSTERING, estimator.name)) return undefined;
  if (estimator.name === 'Birch') return Math.max(...estimator.vector('subcluster_labels_')) + 1;
  return estimator.matrix(estimator.name === 'GaussianMixture' ? 'means_' : 'cluster_centers_').rows;
};
