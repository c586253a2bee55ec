import type { Value } from '../../onnx/graph-builder.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray } from '../pickle/values.ts';
import { bisecting } from './bisecting.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import { digamma } from './digamma.ts';
import type { Estimator } from './estimator.ts';
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
import type { Matrix } from './matrix.ts';

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
  estimator.assertFitted(all, 'precisions_cholesky_');
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

/** The logarithm of a component's weight, and what its distribution adds to the logarithm of its density. */
type Offset = (component: number) => number;

const addComponents = (estimator: Estimator, x: Value, { graph }: Conversion, offset: Offset): Value => {
  const means = estimator.matrix('means_');
  const scores = rowsOf(means).map((mean, index) => {
    const { weights, log } = readFactor(estimator, index, means.columns);
    const y = addLinear(graph, graph.op('Sub', [x, rowOf(graph, mean)]), transpose(weights));
    const distance = graph.op('Mul', [scalar(graph, -0.5), sumRow(graph, square(graph, y))]);
    const constant = log - 0.5 * means.columns * Math.log(2 * Math.PI) + offset(index);
    return graph.op('Add', [distance, scalar(graph, constant)]);
  });
  return join(graph, scores);
};

const mixtureOf =
  (read: (estimator: Estimator) => Offset): Converter =>
  (estimator, frame, conversion) => {
    const { graph } = conversion;
    const scores = addComponents(estimator, toMatrix(graph, frame), conversion, read(estimator));
    return { probabilities: softmax(graph, scores) };
  };

const mixture = mixtureOf((estimator) => {
  const shares = estimator.vector('weights_');
  return (component) => Math.log(shares[component] ?? 0);
});

/** The digamma function of a number that the fit of a Bayesian mixture makes positive. */
const slopeOf = (estimator: Estimator, x: number): number =>
  x > 0
    ? digamma(x)
    : estimator.refuse('weight_concentration_ or degrees_of_freedom_ is damaged, expected larger numbers');

/** The expected logarithms of the weights: of a Dirichlet process, or of a Dirichlet distribution (Bishop, Pattern Recognition, 10.66). */
const expectedLogWeights = (estimator: Estimator): readonly number[] => {
  if (estimator.get('weight_concentration_prior_type') === 'dirichlet_distribution') {
    const concentration = [...estimator.vector('weight_concentration_')];
    const all = slopeOf(
      estimator,
      concentration.reduce((sum, value) => sum + value, 0),
    );
    return concentration.map((value) => slopeOf(estimator, value) - all);
  }
  const [first, second] = estimator
    .items('weight_concentration_')
    .map((value) => (isNumpyArray(value) ? numbersOf(value) : undefined));
  if (first === undefined || second === undefined)
    return estimator.refuse('weight_concentration_ is damaged, expected two arrays');
  let rest = 0;
  return Array.from(first, (a, component) => {
    const b = second[component] ?? 0;
    const all = slopeOf(estimator, a + b);
    const logarithm = slopeOf(estimator, a) - all + rest;
    rest += slopeOf(estimator, b) - all;
    return logarithm;
  });
};

/** A mixture whose weights and precisions are distributions: their expected logarithms take the place of logarithms (Bishop, 10.65). */
const bayesianMixture = mixtureOf((estimator) => {
  const logarithms = expectedLogWeights(estimator);
  const degrees = estimator.vector('degrees_of_freedom_');
  const precisions = estimator.vector('mean_precision_');
  const { columns } = estimator.matrix('means_');
  return (component) => {
    const degree = degrees[degrees.length === 1 ? 0 : component] ?? 0;
    const precision = precisions[precisions.length === 1 ? 0 : component] ?? 0;
    let lambda = columns * Math.log(2);
    for (let column = 0; column < columns; column += 1) lambda += slopeOf(estimator, (degree - column) / 2);
    const expected = 0.5 * (lambda - columns / precision) - 0.5 * columns * Math.log(degree);
    return (logarithms[component] ?? 0) + expected;
  };
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
  BisectingKMeans: bisecting,
  ...{ GaussianMixture: mixture, BayesianGaussianMixture: bayesianMixture },
};

/** The clusters, of which each has a label. */
export const countClusters = (estimator: Estimator): number | undefined => {
  if (!Object.hasOwn(CLUSTERING, estimator.name)) return undefined;
  if (estimator.name === 'Birch') return Math.max(...estimator.vector('subcluster_labels_')) + 1;
  return estimator.matrix(estimator.name.endsWith('GaussianMixture') ? 'means_' : 'cluster_centers_').rows;
};
