import type { Converter } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, rowsOf } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { ridgeWeights } from './ridge.ts';

/** The components over the noise, times the inverse of the covariance of the factors: (I + W Cᵀ)⁻¹ W. */
const toWeights = (estimator: Estimator): Matrix => {
  const components = estimator.matrix('components_');
  const noise = estimator.vector('noise_variance_');
  const scaled = rowsOf(components).map((row) => row.map((value, index) => value / (noise[index] ?? 1)));
  return ridgeWeights(estimator, components, scaled, 1);
};

/** The mean of the factors of each row. */
export const factorAnalysis: Converter = (estimator, frame, { graph }) => {
  const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('mean_'))]);
  const weights = toWeights(estimator);
  return { frame: toFrame(addLinear(graph, centred, weights), weights.rows) };
};
