import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { isNumpyArray } from '../pickle/values.ts';
import { addTrees } from '../trees.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { clip, pick, reduce, repeatRow, scalar, softmax, toList, toLong, toPair } from './formulas.ts';
import type { Frame } from './frame.ts';
import { toFrame, toMatrix, widthOf } from './frame.ts';
import { predictionOf, probabilitiesOf } from './results.ts';
import { readTree } from './tree-state.ts';
import { throughFloat, toTree } from './tree-values.ts';

/** The sums of the trees for each column of `estimators_` [stages,columns], times the learning rate. */
const addStages = (estimator: Estimator, frame: Frame, { graph }: Conversion): { sum: Value; columns: number } => {
  const stages = estimator.get('estimators_');
  const columns = isNumpyArray(stages) ? (stages.shape[1] ?? 1) : 1;
  const rate = estimator.number('learning_rate');
  const trees = estimator.estimators('estimators_').map((each, index) => {
    const tree = readTree(each, widthOf(frame));
    return toTree(
      { tree },
      tree.values.map((value) => rate * value),
      index % columns,
    );
  });
  const x = throughFloat(graph, toMatrix(graph, frame));
  return { sum: addTrees(graph, x, trees, { mode: 'LEQ', dtype: 'float64', targets: columns }), columns };
};

/** The smallest probability of `init`: of float64 from scikit-learn 1.8, of float32 before. */
const epsilonOf = (estimator: Estimator): number => (estimator.isFrom(1, 8) ? Number.EPSILON : 2 ** -23);

/** True where the raw values of several classes are centred: from scikit-learn 1.4, when losses got links. */
const isCentred = (estimator: Estimator): boolean => estimator.isFrom(1, 4);

/** The raw values of a classifier from the probabilities of `init`. */
const toRaw = (graph: GraphBuilder, estimator: Estimator, probabilities: Value, columns: number): Value => {
  const epsilon = epsilonOf(estimator);
  if (columns === 1) {
    const p = clip(graph, pick(graph, probabilities, 1), epsilon, 1 - epsilon);
    const odds = graph.op('Log', [graph.op('Div', [p, graph.op('Sub', [scalar(graph, 1), p])])]);
    return isExponential(estimator) ? graph.op('Mul', [scalar(graph, 0.5), odds]) : odds;
  }
  const logs = graph.op('Log', [clip(graph, probabilities, epsilon, 1 - epsilon)]);
  return isCentred(estimator) ? graph.op('Sub', [logs, reduce(graph, 'ReduceMean', logs)]) : logs;
};

const isExponential = (estimator: Estimator): boolean => estimator.find('loss') === 'exponential';

/** The prediction of `init` before the first tree: 0, a constant, or that of an estimator for the rows rounded to float32. */
const addInitial = (estimator: Estimator, frame: Frame, { convert, graph }: Conversion, columns: number): Value => {
  const init = estimator.get('init_');
  if (init === 'zero') return repeatRow(graph, toMatrix(graph, frame), new Float64Array(columns));
  const inner = estimator.estimator('init_');
  const rounded = toFrame(throughFloat(graph, toMatrix(graph, frame)), widthOf(frame));
  const results = convert(inner, rounded);
  return estimator.name === 'GradientBoostingRegressor'
    ? predictionOf(inner, results)
    : toRaw(graph, estimator, probabilitiesOf(inner, results), columns);
};

const addRaw = (estimator: Estimator, frame: Frame, conversion: Conversion) => {
  const { sum, columns } = addStages(estimator, frame, conversion);
  const initial = addInitial(estimator, frame, conversion, columns);
  return { raw: conversion.graph.op('Add', [initial, sum]), columns };
};

const regressor: Converter = (estimator, frame, conversion) => ({
  prediction: addRaw(estimator, frame, conversion).raw,
});

/** A raw value of 0 means the second class where scikit-learn asks `raw >= 0`; the probabilities are then equal. */
const classifier: Converter = (estimator, frame, conversion): Results => {
  const { graph } = conversion;
  const { raw, columns } = addRaw(estimator, frame, conversion);
  if (columns > 1) return { decision: raw, probabilities: softmax(graph, raw) };
  if (classesOf(estimator).length !== 2) return estimator.refuse('it has one column of trees, expected two classes');
  const isExponentialLoss = isExponential(estimator);
  const z = isExponentialLoss ? graph.op('Mul', [scalar(graph, 2), raw]) : raw;
  const probabilities = toPair(graph, graph.op('Sigmoid', [z]));
  if (!(isExponentialLoss || isCentred(estimator))) return { decision: raw, probabilities };
  const isSecond = graph.op('GreaterOrEqual', [raw, scalar(graph, 0)]);
  return { decision: raw, probabilities, classIndex: toLong(graph, toList(graph, isSecond)) };
};

export const GRADIENT_BOOSTING: Converters = {
  GradientBoostingClassifier: classifier,
  GradientBoostingRegressor: regressor,
};
