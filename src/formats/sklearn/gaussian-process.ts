import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { Converter, Converters } from './conversion.ts';
import { errorFunction } from './error-function.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, pick, scalar, square, sumOf, sumRow, toList, toLong, toPair, transpose } from './formulas.ts';
import { rowOf, toMatrix } from './frame.ts';
import { addKernel, addOwnKernel } from './gaussian-kernels.ts';
import type { Matrix } from './matrix.ts';

/** The mean of the process: kernels with the training rows, times their weights. */
const regressor: Converter = (estimator, frame, { graph }) => {
  const points = estimator.matrix('X_train_');
  const kernels = addKernel(estimator.estimator('kernel_'), { graph, x: toMatrix(graph, frame), points });
  const weights = estimator.matrix('alpha_');
  const mean = addLinear(graph, kernels, weights.rows === points.rows ? transpose(weights) : weights);
  const scaled = graph.op('Mul', [mean, rowOf(graph, estimator.vector('_y_train_std'))]);
  return { prediction: graph.op('Add', [scaled, rowOf(graph, estimator.vector('_y_train_mean'))]) };
};

/** The inverse of a lower triangular matrix [M,M], times `factors` on its right. */
const inverseOf = (estimator: Estimator, { rows, columns, values }: Matrix, factors: Float64Array): Matrix => {
  if (rows !== columns || factors.length !== rows)
    estimator.refuse(`L_ is [${rows},${columns}] and W_sr_ [${factors.length}], expected one size`);
  const inverse = new Float64Array(rows * rows);
  for (let row = 0; row < rows; row += 1) {
    const sums = inverse.subarray(row * rows, row * rows + rows);
    for (let above = 0; above < row; above += 1) {
      const factor = values[row * rows + above] ?? 0;
      const solved = inverse.subarray(above * rows, above * rows + above + 1);
      for (let column = 0; column <= above; column += 1)
        sums[column] = (sums[column] ?? 0) - factor * (solved[column] ?? 0);
    }
    sums[row] = factors[row] ?? 0;
    const pivot = values[row * rows + row] ?? 0;
    for (let column = 0; column <= row; column += 1) sums[column] = (sums[column] ?? 0) / pivot;
  }
  return { rows, columns, values: inverse };
};

/** The logistic function as a sum of five error functions (Williams and Barber, Bayesian Classification with Gaussian Processes, appendix A). */
const SLOPES = [0.41, 0.4, 0.37, 0.44, 0.39];
const COEFFICIENTS = [-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654];

/** The mean of the logistic function over a normal distribution, float64[N,1]. */
const addProbability = (graph: GraphBuilder, mean: Value, variance: Value): Value => {
  const half = (value: Value): Value => graph.op('Div', [scalar(graph, 1), graph.op('Mul', [scalar(graph, 2), value])]);
  const alpha = half(variance);
  const slopes = rowOf(graph, SLOPES);
  const share = graph.op('Sqrt', [graph.op('Div', [alpha, graph.op('Add', [alpha, square(graph, slopes)])])]);
  const errors = errorFunction(graph, graph.op('Mul', [graph.op('Mul', [slopes, mean]), share]));
  const terms = graph.op('Mul', [graph.op('Mul', [errors, scalar(graph, 0.5)]), rowOf(graph, COEFFICIENTS)]);
  const sum = sumOf(
    graph,
    COEFFICIENTS.map((_, index) => pick(graph, terms, index)),
  );
  const offset = 0.5 * COEFFICIENTS.reduce((total, coefficient) => total + coefficient, 0);
  return graph.op('Add', [sum, scalar(graph, offset)]);
};

/** The classifier of two classes: the label is that of the mean, the probability is taken over the whole distribution. */
const binary: Converter = (estimator, frame, { graph }) => {
  const points = estimator.matrix('X_train_');
  const [kernel, pair] = [estimator.estimator('kernel_'), { graph, x: toMatrix(graph, frame), points }];
  const kernels = addKernel(kernel, pair);
  const [labels, expected] = [estimator.vector('y_train_'), estimator.vector('pi_')];
  const weights = labels.map((label, index) => label - (expected[index] ?? 0));
  const mean = addLinear(graph, kernels, { rows: 1, columns: weights.length, values: weights });
  const solved = addLinear(graph, kernels, inverseOf(estimator, estimator.matrix('L_'), estimator.vector('W_sr_')));
  const variance = graph.op('Sub', [addOwnKernel(kernel, pair), sumRow(graph, square(graph, solved))]);
  return {
    probabilities: toPair(graph, addProbability(graph, mean, variance)),
    classIndex: toLong(graph, toList(graph, graph.op('Greater', [mean, scalar(graph, 0)]))),
  };
};

/** The classifier of any number of classes, around those of two. */
const classifier: Converter = (estimator, frame, { convert }) => convert(estimator.estimator('base_estimator_'), frame);

export const GAUSSIAN_PROCESS: Converters = {
  GaussianProcessRegressor: regressor,
  GaussianProcessClassifier: classifier,
  _BinaryGaussianProcessClassifierLaplace: binary,
};
