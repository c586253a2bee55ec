import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { isNumpyArray, PyTuple } from '../pickle/values.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import { type Estimator, toItems } from './estimator.ts';
import { meanOf, oneHot, pick, scalar, sumOf } from './formulas.ts';
import type { Frame } from './frame.ts';
import { selectColumns } from './frame.ts';
import { labelOf, predictionOf, probabilitiesOf } from './results.ts';

/** The weights of the estimators that are left; undefined for equal ones. */
const readWeights = (estimator: Estimator): number[] | undefined => {
  const weights = toItems(estimator.find('weights'));
  if (weights === undefined) return undefined;
  const isDropped = estimator
    .items('estimators')
    .map((pair) => (pair instanceof PyTuple ? pair.items[1] : undefined))
    .map((each) => each === 'drop' || each === null);
  return weights.map(Number).filter((_, index) => isDropped[index] !== true);
};

const weigh = (graph: GraphBuilder, values: readonly Value[], weights: readonly number[] | undefined): Value[] =>
  values.map((value, index) =>
    weights === undefined ? value : graph.op('Mul', [value, scalar(graph, weights[index] ?? 0)]),
  );

/** The mean of values by weight. */
const average = (graph: GraphBuilder, values: readonly Value[], weights: readonly number[] | undefined): Value => {
  if (weights === undefined) return meanOf(graph, values);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return graph.op('Div', [sumOf(graph, weigh(graph, values, weights)), scalar(graph, total)]);
};

/** Hard votes are counts: the class with most is the prediction, the first of equal ones. */
const votingClassifier: Converter = (estimator, frame, { graph, convert }) => {
  const classes = classesOf(estimator).length;
  const weights = readWeights(estimator);
  const results = estimator.estimators('estimators_').map((each) => ({ each, results: convert(each, frame) }));
  if (estimator.text('voting') === 'soft') {
    const each = results.map((one) => probabilitiesOf(one.each, one.results));
    return { probabilities: average(graph, each, weights) };
  }
  const votes = results.map((one) => oneHot(graph, labelOf(graph, one.each, one.results, classes), classes));
  return toVotes(graph, sumOf(graph, weigh(graph, votes, weights)), classes);
};

/** Votes as a decision: of two classes, those for the second less those for the first. */
const toVotes = (graph: GraphBuilder, votes: Value, classes: number): Results => ({
  decision: classes === 2 ? graph.op('Sub', [pick(graph, votes, 1), pick(graph, votes, 0)]) : votes,
});

const votingRegressor: Converter = (estimator, frame, { graph, convert }) => {
  const each = estimator.estimators('estimators_').map((one) => predictionOf(one, convert(one, frame)));
  return { prediction: average(graph, each, readWeights(estimator)) };
};

/** The columns of an estimator in a bag. */
const columnsOf = (estimator: Estimator, index: number): number[] | undefined => {
  const features = estimator.find('estimators_features_');
  const own = toItems(features)?.[index];
  return isNumpyArray(own) || Array.isArray(own) ? (toItems(own) ?? []).map(Number) : undefined;
};

const convertBag = (estimator: Estimator, frame: Frame, { graph, convert }: Conversion) =>
  estimator.estimators('estimators_').map((each, index) => {
    const columns = columnsOf(estimator, index);
    return { each, results: convert(each, columns === undefined ? frame : selectColumns(graph, frame, columns)) };
  });

/** Probabilities of an estimator that knows only some of the classes: its classes are indices of all. */
const spread = (graph: GraphBuilder, each: Estimator, own: Value, classes: number): Value => {
  const known = classesOf(each).map(Number);
  if (known.length === classes) return own;
  const table = new Float64Array(known.length * classes);
  known.forEach((index, row) => {
    table[row * classes + index] = 1;
  });
  return graph.op('MatMul', [own, graph.constant(doubles([known.length, classes], table))]);
};

const baggingClassifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const classes = classesOf(estimator).length;
  const bag = convertBag(estimator, frame, conversion);
  const each = bag.map((one) => {
    const size = classesOf(one.each).length;
    const own = one.results.probabilities ?? oneHot(graph, labelOf(graph, one.each, one.results, size), size);
    return spread(graph, one.each, own, classes);
  });
  const decisions = bag.flatMap(({ results }) => results.decision ?? []);
  return {
    probabilities: meanOf(graph, each),
    ...(decisions.length === bag.length && { decision: meanOf(graph, decisions) }),
    classIndex: graph.op('ArgMax', [meanOf(graph, each)], { axis: integer(1), keepdims: integer(0) }),
  };
};

const baggingRegressor: Converter = (estimator, frame, conversion) => {
  const each = convertBag(estimator, frame, conversion).map((one) => predictionOf(one.each, one.results));
  return { prediction: meanOf(conversion.graph, each) };
};

/** Estimators that answer with the one within them. */
const inner =
  (...names: string[]): Converter =>
  (estimator, frame, { convert }) =>
    convert(estimator.estimator(...names), frame);

const search = inner('best_estimator_');

export const ENSEMBLES: Converters = {
  ...{ VotingClassifier: votingClassifier, VotingRegressor: votingRegressor },
  ...{ BaggingClassifier: baggingClassifier, BaggingRegressor: baggingRegressor },
  ...{ GridSearchCV: search, RandomizedSearchCV: search, HalvingGridSearchCV: search, HalvingRandomSearchCV: search },
  ...{ SelfTrainingClassifier: inner('estimator_', 'base_estimator_'), FrozenEstimator: inner('estimator') },
};
