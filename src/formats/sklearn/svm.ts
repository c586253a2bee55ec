import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, argMax, scalar, toList, toLong, transpose } from './formulas.ts';
import type { Frame } from './frame.ts';
import { rowOf, toMatrix } from './frame.ts';
import { addKernel, gammaOf } from './kernels.ts';
import type { Matrix } from './matrix.ts';
import { countVotes, pairsOf, toOneVersusRest } from './pair-votes.ts';
import { couple } from './pairwise-coupling.ts';

/** The kernels times `weights` [outputs,vectors], plus `_intercept_`. */
const addSums = (estimator: Estimator, frame: Frame, conversion: Conversion, weights: Matrix): Value => {
  const { graph } = conversion;
  const vectors = estimator.matrix('support_vectors_');
  const kernels = addKernel(estimator, toMatrix(graph, frame), vectors, conversion, estimator.number('_gamma'));
  return addLinear(graph, kernels, weights, estimator.vector('_intercept_', 'intercept_'));
};

const regressor: Converter = (estimator, frame, conversion) => ({
  prediction: addSums(estimator, frame, conversion, estimator.matrix('_dual_coef_', 'dual_coef_')),
});

/**
 * The weights of all vectors for each pair of classes [pairs,vectors]. libsvm stores [classes - 1,vectors]: the row of a vector's own class is
 * left out. The weight against class j stands in row j, or in row j - 1 if the vector's class is before j.
 */
const toPairWeights = (estimator: Estimator, classes: number): Matrix => {
  const { columns, values } = estimator.matrix('_dual_coef_', 'dual_coef_');
  const counts = estimator.vector('_n_support', 'n_support_');
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length !== classes || total !== columns || counts.some((count) => count < 0))
    estimator.refuse(`it has ${columns} support vectors, expected ${total} of ${classes} classes`);
  const classOf = Array.from(counts, (count, index) => new Array<number>(count).fill(index)).flat();
  const pairs = pairsOf(classes);
  const weights = new Float64Array(pairs.length * columns);
  pairs.forEach(([first, second], pair) => {
    classOf.forEach((own, vector) => {
      if (own !== first && own !== second) return;
      const row = own === first ? second - 1 : first;
      weights[pair * columns + vector] = values[row * columns + vector] ?? 0;
    });
  });
  return { rows: pairs.length, columns, values: weights };
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const classes = classesOf(estimator).length;
  const sums = addSums(estimator, frame, conversion, toPairWeights(estimator, classes));
  const isSecond = graph.op('LessOrEqual', [sums, scalar(graph, 0)]);
  const decision = addDecision(estimator, graph, sums, classes);
  const isByDecision = classes > 2 && estimator.find('break_ties') === true;
  const classIndex = argMax(graph, isByDecision ? decision : countVotes(graph, isSecond, classes));
  const probabilities = addProbabilities(estimator, graph, sums, classes);
  return { decision, classIndex, ...(probabilities !== undefined && { probabilities }) };
};

const addDecision = (estimator: Estimator, graph: GraphBuilder, sums: Value, classes: number): Value => {
  const negative = graph.op('Neg', [sums]);
  if (classes === 2) return negative;
  if (estimator.text('decision_function_shape') === 'ovo') return sums;
  return toOneVersusRest(graph, graph.op('Less', [sums, scalar(graph, 0)]), negative, classes);
};

/** Platt's sigmoid of each pair, which the coupling makes to probabilities. */
const addProbabilities = (
  estimator: Estimator,
  graph: GraphBuilder,
  sums: Value,
  classes: number,
): Value | undefined => {
  if (estimator.find('probability') !== true) return undefined;
  const [slopes, offsets] = [estimator.vector('_probA', 'probA_'), estimator.vector('_probB', 'probB_')];
  if (slopes.length !== pairsOf(classes).length)
    return estimator.refuse(`it has ${slopes.length} sigmoids, expected ${pairsOf(classes).length}`);
  const z = graph.op('Add', [graph.op('Mul', [sums, rowOf(graph, slopes)]), rowOf(graph, offsets)]);
  return couple(graph, graph.op('Sigmoid', [graph.op('Neg', [z])]), classes, pairsOf(classes));
};

/** Outliers are rows whose decision is not above 0. */
const oneClass: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const decision = addSums(estimator, frame, conversion, estimator.matrix('_dual_coef_', 'dual_coef_'));
  const isInlier = graph.op('Greater', [decision, scalar(graph, 0)]);
  return { decision, classIndex: toLong(graph, toList(graph, isInlier)) };
};

/** Ridge regression in the space of a kernel. */
const kernelRidge: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const vectors = estimator.matrix('X_fit_');
  const kernels = addKernel(estimator, toMatrix(graph, frame), vectors, conversion, gammaOf(estimator, vectors));
  const weights = estimator.matrix('dual_coef_');
  return { prediction: addLinear(graph, kernels, weights.rows === vectors.rows ? transpose(weights) : weights) };
};

export const SVM: Converters = {
  KernelRidge: kernelRidge,
  ...{ SVC: classifier, NuSVC: classifier, SVR: regressor, NuSVR: regressor, OneClassSVM: oneClass },
};
