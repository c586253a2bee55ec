import type { Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, reduce, scalar, transpose } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import { addKernel, gammaOf } from './kernels.ts';
import type { Matrix } from './matrix.ts';

/** The eigenvectors [rows,components], each divided by the root of its eigenvalue; zeros for an eigenvalue of 0. */
const scaledVectors = (estimator: Estimator): Matrix => {
  const roots = estimator.vector('eigenvalues_', 'lambdas_').map(Math.sqrt);
  const vectors = estimator.matrix('eigenvectors_', 'alphas_');
  const values = vectors.values.map((value, index) => {
    const root = roots[index % vectors.columns] ?? 0;
    return root === 0 ? 0 : value / root;
  });
  return { ...vectors, values };
};

/** The principal components in the space of a kernel, whose rows are centred by the means of the training data. */
const kernelPca: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const rows = estimator.matrix('X_fit_');
  const gamma = (estimator.find('gamma_') ?? null) === null ? gammaOf(estimator, rows) : estimator.number('gamma_');
  const kernels = addKernel(estimator, toMatrix(graph, frame), rows, conversion, gamma);
  const centerer = estimator.estimator('_centerer');
  const moved = graph.op('Sub', [kernels, rowOf(graph, centerer.vector('K_fit_rows_'))]);
  const centred = graph.op('Sub', [moved, reduce(graph, 'ReduceMean', kernels)]);
  const vectors = scaledVectors(estimator);
  const all = graph.op('Add', [centred, scalar(graph, centerer.number('K_fit_all_'))]);
  return { frame: toFrame(addLinear(graph, all, transpose(vectors)), vectors.columns) };
};

/** The kernels with some training rows, times their normalization. */
const nystroem: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const settings = estimator.find('kernel_params') ?? null;
  if (settings !== null && typeof estimator.get('kernel') === 'string')
    return estimator.refuse('kernel_params has settings of its kernel: fit it with gamma, coef0 and degree themselves');
  const rows = estimator.matrix('components_');
  const kernels = addKernel(estimator, toMatrix(graph, frame), rows, conversion, gammaOf(estimator, rows));
  const weights = estimator.matrix('normalization_');
  return { frame: toFrame(addLinear(graph, kernels, weights), weights.rows) };
};

/** Cosines of random directions. */
const randomFeatures: Converter = (estimator, frame, { graph }) => {
  const weights = transpose(estimator.matrix('random_weights_'));
  const angles = addLinear(graph, toMatrix(graph, frame), weights, estimator.vector('random_offset_'));
  const size = scalar(graph, Math.sqrt(2 / weights.rows));
  return { frame: toFrame(graph.op('Mul', [graph.op('Cos', [angles]), size]), weights.rows) };
};

export const KERNEL_MAPS: Converters = { KernelPCA: kernelPca, Nystroem: nystroem, RBFSampler: randomFeatures };
