import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { argMax, clip, normalise, pick, scalar, softmax, toOpposites, toPair } from './formulas.ts';
import type { Frame } from './frame.ts';
import { addProducts } from './sparse-rows.ts';

/** `x` times `coef_` plus `intercept_`, float64[N,targets]. */
export const linearOf = (estimator: Estimator, frame: Frame, { graph }: Conversion): Value => {
  const weights = estimator.matrix('coef_');
  const offsets = estimator.vector('intercept_');
  const [first = 0] = offsets;
  return addProducts(
    graph,
    frame,
    weights,
    offsets.length === weights.rows ? offsets : new Float64Array(weights.rows).fill(first),
  );
};

const regressor: Converter = (estimator, frame, conversion) => ({
  prediction: linearOf(estimator, frame, conversion),
});

/** A generalised linear model: the mean is the inverse of its link. */
const generalised: Converter = (estimator, frame, conversion) => {
  const z = linearOf(estimator, frame, conversion);
  const isTweedie = estimator.name === 'TweedieRegressor';
  const link = isTweedie ? estimator.text('link') : 'log';
  const isIdentity = link === 'identity' || (link === 'auto' && estimator.number('power') <= 0);
  return { prediction: isIdentity ? z : conversion.graph.op('Exp', [z]) };
};

/** A classifier without probabilities. */
const margins: Converter = (estimator, frame, conversion) => {
  const decision = linearOf(estimator, frame, conversion);
  const isMultilabel = estimator.find('_label_binarizer') !== undefined && isMultilabelBinarizer(estimator);
  if (!isMultilabel) return { decision };
  const { rows } = estimator.matrix('coef_');
  return {
    targets: Array.from({ length: rows }, (_, target) => ({ decision: pick(conversion.graph, decision, target) })),
  };
};

export const isMultilabelBinarizer = (estimator: Estimator): boolean =>
  estimator.estimator('_label_binarizer', 'label_binarizer_').text('y_type_').startsWith('multilabel');

/**
 * Probabilities of a sigmoid for each class. The sigmoids of several classes may all be 1 in float64, where the decisions differ: then the
 * decisions tell the class.
 */
const oneVersusRest = (graph: GraphBuilder, decision: Value, toProbability: (z: Value) => Value, isBinary: boolean) =>
  isBinary
    ? { decision, probabilities: toPair(graph, toProbability(decision)) }
    : { decision, probabilities: toProbability(decision), classIndex: argMax(graph, decision) };

const logistic: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const decision = linearOf(estimator, frame, conversion);
  const isBinary = classesOf(estimator).length === 2;
  const setting = estimator.find('multi_class') ?? 'auto';
  const isOneVersusRest =
    setting === 'ovr' || (setting !== 'multinomial' && (isBinary || estimator.text('solver') === 'liblinear'));
  if (!isOneVersusRest)
    return { decision, probabilities: softmax(graph, isBinary ? toOpposites(graph, decision) : decision) };
  return addSigmoids(graph, decision, isBinary);
};

const addSigmoids = (graph: GraphBuilder, decision: Value, isBinary: boolean) =>
  oneVersusRest(
    graph,
    decision,
    (z) => {
      const p = graph.op('Sigmoid', [z]);
      return isBinary ? p : normalise(graph, p, Number.NaN);
    },
    isBinary,
  );

const stochastic: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const decision = linearOf(estimator, frame, conversion);
  const classes = classesOf(estimator).length;
  const isBinary = classes === 2;
  const loss = estimator.text('loss');
  if (loss === 'log' || loss === 'log_loss') return addSigmoids(graph, decision, isBinary);
  if (loss !== 'modified_huber') return { decision };
  const toHuber = (z: Value): Value => {
    const p = graph.op('Div', [graph.op('Add', [clip(graph, z, -1, 1), scalar(graph, 1)]), scalar(graph, 2)]);
    return isBinary ? p : normalise(graph, p, 1 / classes);
  };
  return oneVersusRest(graph, decision, toHuber, isBinary);
};

/** An estimator that found its coefficients with another one. */
const consensus: Converter = (estimator, frame, { convert }) => convert(estimator.estimator('estimator_'), frame);

const tableOf = (names: readonly string[], converter: Converter): Converters =>
  Object.fromEntries(names.map((name) => [name, converter]));

const REGRESSORS = [
  ...['LinearRegression', 'Ridge', 'RidgeCV', 'Lasso', 'LassoCV', 'ElasticNet', 'ElasticNetCV', 'Lars', 'LarsCV'],
  ...['LassoLars', 'LassoLarsCV', 'LassoLarsIC', 'OrthogonalMatchingPursuit', 'OrthogonalMatchingPursuitCV'],
  ...['MultiTaskLasso', 'MultiTaskLassoCV', 'MultiTaskElasticNet', 'MultiTaskElasticNetCV', 'BayesianRidge'],
  ...['ARDRegression', 'HuberRegressor', 'TheilSenRegressor', 'QuantileRegressor', 'SGDRegressor', 'LinearSVR'],
  ...['PassiveAggressiveRegressor'],
];

const MARGINS = ['RidgeClassifier', 'RidgeClassifierCV', 'LinearSVC', 'Perceptron', 'PassiveAggressiveClassifier'];

export const LINEAR: Converters = {
  ...tableOf(REGRESSORS, regressor),
  ...tableOf(MARGINS, margins),
  ...tableOf(['PoissonRegressor', 'GammaRegressor', 'TweedieRegressor'], generalised),
  ...tableOf(['LogisticRegression', 'LogisticRegressionCV'], logistic),
  SGDClassifier: stochastic,
  RANSACRegressor: consensus,
};
