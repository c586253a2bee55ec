import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, type NumpyArray } from '../pickle/values.ts';
import type { Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { argMax, join, pick, rowsOf, scalar, softmax, square, sumOf, sumRow, toList, toLong } from './formulas.ts';
import { type Frame, rowOf, toDouble, toFrame, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { addProducts } from './sparse-rows.ts';

/**
 * A frame times the transpose of logarithms [K,F], plus `offsets`. The logarithm of 0, as `alpha=0` has it, counts where a row has its column:
 * 0 times infinity would be NaN for all others. scikit-learn does so for sparse rows, such as those of texts.
 */
const addLogarithms = (graph: GraphBuilder, frame: Frame, weights: Matrix, offsets?: ArrayLike<number>): Value => {
  const isInfinite = (value: number) => Math.abs(value) === Number.POSITIVE_INFINITY;
  if (!weights.values.some(isInfinite)) return addProducts(graph, frame, weights, offsets);
  const finite = { ...weights, values: weights.values.map((value) => (isInfinite(value) ? 0 : value)) };
  const signs = { ...weights, values: weights.values.map((value) => (isInfinite(value) ? Math.sign(value) : 0)) };
  const found = addProducts(graph, frame, signs);
  const zero = scalar(graph, 0);
  const infinite = graph.op('Mul', [found, scalar(graph, Number.POSITIVE_INFINITY)]);
  const counted = graph.op('Where', [graph.op('Equal', [found, zero]), zero, infinite]);
  return graph.op('Add', [addProducts(graph, frame, finite, offsets), counted]);
};

/** Bayes' rule: probabilities from the logarithms of joint probabilities, float64[N,classes]. */
const toResults = (graph: GraphBuilder, joint: Value) => ({ probabilities: softmax(graph, joint) });

/** Results whose label is that of the largest logarithm, since probabilities of infinite ones are NaN. */
const toLabelled = (graph: GraphBuilder, joint: Value, { values }: Matrix) => ({
  ...toResults(graph, joint),
  ...(!values.every(Number.isFinite) && { classIndex: argMax(graph, joint) }),
});

const gaussian: Converter = (estimator, frame, { graph }) => {
  const x = toMatrix(graph, frame);
  const [means, variances] = [rowsOf(estimator.matrix('theta_')), rowsOf(estimator.matrix('var_', 'sigma_'))];
  const priors = estimator.vector('class_prior_');
  const joint = means.map((mean, index) => {
    const variance = variances[index] ?? new Float64Array();
    const constant = variance.reduce((sum, value) => sum + Math.log(2 * Math.PI * value), 0);
    const squares = square(graph, graph.op('Sub', [x, rowOf(graph, mean)]));
    const distance = sumRow(graph, graph.op('Div', [squares, rowOf(graph, variance)]));
    const scaled = graph.op('Mul', [scalar(graph, -0.5), distance]);
    return graph.op('Add', [scaled, scalar(graph, Math.log(priors[index] ?? 0) - 0.5 * constant)]);
  });
  return toResults(graph, join(graph, joint));
};

const multinomial: Converter = (estimator, frame, { graph }) => {
  const weights = estimator.matrix('feature_log_prob_');
  return toLabelled(graph, addLogarithms(graph, frame, weights, estimator.vector('class_log_prior_')), weights);
};

/** Its prior counts for a single class alone, as scikit-learn has it. */
const complement: Converter = (estimator, frame, { graph }) => {
  const weights = estimator.matrix('feature_log_prob_');
  const offsets = weights.rows === 1 ? estimator.vector('class_log_prior_') : undefined;
  return toLabelled(graph, addLogarithms(graph, frame, weights, offsets), weights);
};

const bernoulli: Converter = (estimator, frame, { graph }) => {
  const x = toMatrix(graph, frame);
  const threshold = estimator.get('binarize');
  const isSet =
    threshold === null ? x : toDouble(graph, graph.op('Greater', [x, scalar(graph, estimator.number('binarize'))]));
  const set = estimator.matrix('feature_log_prob_');
  const unset = set.values.map((value) => Math.log(1 - Math.exp(value)));
  const weights: Matrix = { ...set, values: set.values.map((value, index) => value - (unset[index] ?? 0)) };
  const offsets = rowsOf({ ...set, values: unset }).map((row) => row.reduce((sum, value) => sum + value, 0));
  const priors = estimator.vector('class_log_prior_');
  const sums = offsets.map((offset, index) => offset + (priors[index] ?? 0));
  return toLabelled(graph, addLogarithms(graph, toFrame(isSet, weights.columns), weights, sums), weights);
};

/** A table [classes,categories] of each column. */
const readTables = (estimator: Estimator): readonly NumpyArray[] =>
  estimator
    .items('feature_log_prob_')
    .map((table) =>
      isNumpyArray(table) && table.shape.length === 2
        ? table
        : estimator.refuse('feature_log_prob_ is no list of tables'),
    );

const categorical: Converter = (estimator, frame, { graph }) => {
  const x = toMatrix(graph, frame);
  const columns = readTables(estimator).map((table, index) => {
    const rows = toLong(graph, toList(graph, pick(graph, x, index)));
    const values = numbersOf(table) ?? estimator.refuse('feature_log_prob_ holds no numbers');
    return graph.op('Transpose', [
      graph.op('Gather', [graph.constant(doubles(table.shape, values)), rows], { axis: integer(1) }),
    ]);
  });
  return toResults(graph, graph.op('Add', [sumOf(graph, columns), rowOf(graph, estimator.vector('class_log_prior_'))]));
};

export const NAIVE_BAYES: Converters = {
  ...{ GaussianNB: gaussian, MultinomialNB: multinomial, ComplementNB: complement, BernoulliNB: bernoulli },
  CategoricalNB: categorical,
};
