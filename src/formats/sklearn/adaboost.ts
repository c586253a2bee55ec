import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { join, oneHot, pick, scalar, softmax, sumOf, sumRow, toOpposites } from './formulas.ts';
import type { Frame } from './frame.ts';
import { toDouble } from './frame.ts';
import { labelOf, predictionOf, probabilitiesOf } from './results.ts';

const sumOfWeights = (weights: Float64Array): number => weights.reduce((sum, weight) => sum + weight, 0);

/** SAMME.R: the logarithms of the probabilities, less their mean. https://doi.org/10.4310/SII.2009.v2.n3.a8 */
const addLogarithms = (graph: GraphBuilder, probabilities: Value, classes: number): Value => {
  const logs = graph.op('Log', [graph.op('Max', [probabilities, scalar(graph, Number.EPSILON)])]);
  const mean = graph.op('Mul', [scalar(graph, 1 / classes), sumRow(graph, logs)]);
  return graph.op('Mul', [scalar(graph, classes - 1), graph.op('Sub', [logs, mean])]);
};

/** SAMME: the weight for the class that an estimator predicts. From scikit-learn 1.3 the other classes lose their share of it. */
const addVote = (graph: GraphBuilder, label: Value, weight: number, classes: number, isBalanced: boolean): Value => {
  const votes = oneHot(graph, label, classes);
  if (!isBalanced) return graph.op('Mul', [votes, scalar(graph, weight)]);
  const loss = (-1 / (classes - 1)) * weight;
  const isOther = graph.op('Equal', [votes, scalar(graph, 0)]);
  return graph.op('Where', [isOther, scalar(graph, loss), scalar(graph, weight)]);
};

const addDecision = (estimator: Estimator, frame: Frame, { graph, convert }: Conversion, classes: number): Value => {
  const weights = estimator.vector('estimator_weights_');
  const isReal = estimator.find('algorithm') === 'SAMME.R';
  const each = estimator.estimators('estimators_').map((one, index) => {
    const results = convert(one, frame);
    if (isReal) return addLogarithms(graph, probabilitiesOf(one, results), classes);
    return addVote(graph, labelOf(graph, one, results, classes), weights[index] ?? 0, classes, estimator.isFrom(1, 3));
  });
  const sum = graph.op('Div', [sumOf(graph, each), scalar(graph, sumOfWeights(weights))]);
  return classes === 2 ? graph.op('Sub', [pick(graph, sum, 1), pick(graph, sum, 0)]) : sum;
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const classes = classesOf(estimator).length;
  if (classes < 2) return estimator.refuse('it knows one class, expected two or more');
  const decision = addDecision(estimator, frame, conversion, classes);
  const isBinary = classes === 2;
  const logits = isBinary ? toOpposites(graph, decision) : decision;
  const scale = scalar(graph, isBinary ? 2 : classes - 1);
  return { decision, probabilities: softmax(graph, graph.op('Div', [logits, scale])) };
};

/** The weighted median of the predictions: the first whose weights, with those of all smaller ones, are half of all. */
const regressor: Converter = (estimator, frame, { graph, convert }) => {
  const each = estimator.estimators('estimators_').map((one) => predictionOf(one, convert(one, frame)));
  const weights = estimator.vector('estimator_weights_').subarray(0, each.length);
  const [sorted = '', order = ''] = graph.ops('TopK', 2, [join(graph, each), graph.constant(longs([each.length]))], {
    axis: integer(1),
    largest: integer(0),
  });
  const ordered = graph.op('Gather', [graph.constant(doubles([weights.length], weights)), order]);
  const sums = graph.op('CumSum', [ordered, graph.constant(longs([1]))]);
  const total = pick(graph, sums, each.length - 1);
  const isHalf = graph.op('GreaterOrEqual', [sums, graph.op('Mul', [scalar(graph, 0.5), total])]);
  const place = graph.op('ArgMax', [toDouble(graph, isHalf)], { axis: integer(1), keepdims: integer(1) });
  return { prediction: graph.op('GatherElements', [sorted, place], { axis: integer(1) }) };
};

export const ADABOOST: Converters = { AdaBoostClassifier: classifier, AdaBoostRegressor: regressor };
