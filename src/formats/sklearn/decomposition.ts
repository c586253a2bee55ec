import type { Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { factorAnalysis } from './factor-analysis.ts';
import { addLinear, rowsOf, transpose } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { ridgeWeights } from './ridge.ts';
import { addProducts } from './sparse-rows.ts';

/** The products with `components_`, after the mean is taken away. */
const project = (centres: (estimator: Estimator) => boolean): Converter => {
  return (estimator, frame, { graph }) => {
    const components = estimator.matrix('components_');
    if (!centres(estimator)) return { frame: toFrame(addProducts(graph, frame, components), components.rows) };
    const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('mean_'))]);
    return { frame: toFrame(addLinear(graph, centred, components), components.rows) };
  };
};

const principal: Converter = (estimator, frame, conversion) => {
  const { frame: [block] = [] } = project(hasMean)(estimator, frame, conversion);
  if (block === undefined || estimator.find('whiten') !== true) return { frame: block === undefined ? [] : [block] };
  const scale = estimator.vector('explained_variance_').map((value) => Math.max(Math.sqrt(value), Number.EPSILON));
  const { graph } = conversion;
  return { frame: toFrame(graph.op('Div', [block.value, rowOf(graph, scale)]), block.width) };
};

const hasMean = (estimator: Estimator): boolean => (estimator.find('mean_') ?? null) !== null;
const isWhitened = (estimator: Estimator): boolean => estimator.find('whiten') !== false && hasMean(estimator);

/** The components of each row that a ridge regression finds. */
const sparseComponents: Converter = (estimator, frame, { graph }) => {
  const components = estimator.matrix('components_');
  const ridge = estimator.number('ridge_alpha');
  if (!(ridge > 0)) estimator.refuse(`ridge_alpha is ${ridge}, expected a number above 0`);
  const weights = ridgeWeights(
    estimator,
    components,
    rowsOf(components).map((row) => row.slice()),
    ridge,
  );
  const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('mean_'))]);
  return { frame: toFrame(addLinear(graph, centred, weights), weights.rows) };
};

/** Partial least squares. Its coefficients were [features,targets] before scikit-learn 1.1, and of scaled columns before 1.5. */
const partialLeastSquares: Converter = (estimator, frame, { graph }) => {
  const given = estimator.matrix('_coef_', 'coef_');
  const weights: Matrix = estimator.isFrom(1, 1) ? given : transpose(given);
  const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('_x_mean'))]);
  const x = estimator.isFrom(1, 5) ? centred : graph.op('Div', [centred, rowOf(graph, estimator.vector('_x_std'))]);
  return { prediction: addLinear(graph, x, weights, estimator.vector('intercept_', '_y_mean')) };
};

export const DECOMPOSITION: Converters = {
  ...{ PCA: principal, IncrementalPCA: principal, FastICA: project(isWhitened) },
  ...{ TruncatedSVD: project(() => false), GaussianRandomProjection: project(() => false) },
  ...{ SparseRandomProjection: project(() => false), NeighborhoodComponentsAnalysis: project(() => false) },
  FactorAnalysis: factorAnalysis,
  ...{ SparsePCA: sparseComponents, MiniBatchSparsePCA: sparseComponents },
  ...{ PLSRegression: partialLeastSquares, PLSCanonical: partialLeastSquares },
};
