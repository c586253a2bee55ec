import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { join, normalise, pick, repeatRow, scalar, toList, toLong, toPair } from './formulas.ts';
import type { Frame } from './frame.ts';
import { toFrame, toMatrix } from './frame.ts';
import { isMultilabelBinarizer } from './linear.ts';
import { toOneVersusRest } from './pair-votes.ts';
import { labelOf, predictionOf, probabilitiesOf } from './results.ts';

/** A binary estimator within another: its decision, else the probability of the second class; a regressor's value. */
export const scoreOf = (graph: GraphBuilder, each: Estimator, results: Results): Value => {
  if (results.prediction !== undefined) return results.prediction;
  return results.decision ?? pick(graph, probabilitiesOf(each, results), 1);
};

/** The score beyond which a binary estimator predicts the second class. */
const thresholdOf = ({ decision }: Results): number => (decision === undefined ? 0.5 : 0);

const isAbove = (graph: GraphBuilder, score: Value, threshold: number): Value =>
  toLong(graph, toList(graph, graph.op('Greater', [score, scalar(graph, threshold)])));

interface Binary {
  readonly each: Estimator;
  readonly results: Results;
}

/** The estimators within another, each with its results. */
export const convertAll = (estimator: Estimator, frame: Frame, { convert }: Conversion): Binary[] =>
  estimator.estimators('estimators_').map((each) => ({ each, results: convert(each, frame) }));

/** The best of the scores: the first of equal ones from scikit-learn 1.8, the last before. */
const bestOf = (graph: GraphBuilder, estimator: Estimator, scores: Value): Value =>
  graph.op('ArgMax', [scores], {
    axis: integer(1),
    keepdims: integer(0),
    select_last_index: integer(Number(!estimator.isFrom(1, 8))),
  });

const oneVersusRest: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const all = convertAll(estimator, frame, conversion);
  if (isMultilabelBinarizer(estimator)) return { targets: all.map(({ results }) => results) };
  const scores = all.map(({ each, results }) => scoreOf(graph, each, results));
  const [first] = all;
  const hasDecision = first?.results.decision !== undefined;
  const positives = all.flatMap(({ results }) => results.probabilities ?? []).map((each) => pick(graph, each, 1));
  const hasProbabilities = positives.length === all.length;
  if (all.length === 1 && first !== undefined) {
    const [score = ''] = scores;
    return {
      ...(hasDecision && { decision: score }),
      ...(hasProbabilities && { probabilities: toPair(graph, positives[0] ?? '') }),
      classIndex: isAbove(graph, score, thresholdOf(first.results)),
    };
  }
  return {
    ...(!hasProbabilities || hasDecision ? { decision: join(graph, scores) } : {}),
    ...(hasProbabilities && { probabilities: normalise(graph, join(graph, positives), 0) }),
    classIndex: bestOf(graph, estimator, join(graph, scores)),
  };
};

const oneVersusOne: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  if ((estimator.find('pairwise_indices_') ?? null) !== null)
    return estimator.refuse('its estimators compare rows with each other, expected estimators of columns');
  const classes = classesOf(estimator).length;
  const all = convertAll(estimator, frame, conversion);
  const confidences = join(
    graph,
    all.map(({ each, results }) => scoreOf(graph, each, results)),
  );
  const labels = all.map(({ each, results }) => labelOf(graph, each, results, 2));
  const columns = labels.map((label) => graph.op('Unsqueeze', [label, graph.constant(longs([1]))]));
  const isSecond = graph.op('Equal', [join(graph, columns), graph.constant(longs([1]))]);
  const scores = toOneVersusRest(graph, isSecond, confidences, classes);
  if (classes > 2) return { decision: scores };
  const decision = pick(graph, scores, 1);
  const [first] = all;
  return { decision, classIndex: isAbove(graph, decision, first === undefined ? 0 : thresholdOf(first.results)) };
};

/** A class that is there always, or never. */
const constant: Converter = (estimator, frame, { graph }) => {
  const value = estimator.number('y_');
  const x = toMatrix(graph, frame);
  return { decision: repeatRow(graph, x, [value]), probabilities: repeatRow(graph, x, [1 - value, value]) };
};

const multiOutputClassifier: Converter = (estimator, frame, conversion) => ({
  targets: convertAll(estimator, frame, conversion).map(({ results }) => results),
});

const multiOutputRegressor: Converter = (estimator, frame, conversion) => {
  const each = convertAll(estimator, frame, conversion).map((one) => predictionOf(one.each, one.results));
  return { prediction: join(conversion.graph, each) };
};

/** The column for the next estimator of a chain: a value, or a class as a number. */
const toLink = (graph: GraphBuilder, chain: Estimator, { each, results }: Binary): Value => {
  if (results.prediction !== undefined) return results.prediction;
  const method = chain.find('chain_method_') ?? 'predict';
  if (method !== 'predict')
    return method === 'decision_function'
      ? scoreOf(graph, each, results)
      : pick(graph, probabilitiesOf(each, results), 1);
  const classes = classesOf(each).map(Number);
  if (classes.some(Number.isNaN))
    each.refuse('its classes are no numbers, as the next estimator of a chain needs them');
  const label = labelOf(graph, each, results, classes.length);
  const value = graph.op('Gather', [graph.constant(doubles([classes.length], classes)), label]);
  return graph.op('Unsqueeze', [value, graph.constant(longs([1]))]);
};

/** The results of a chain, in the order of the targets. */
const addChain = (estimator: Estimator, given: Frame, { graph, convert }: Conversion): Binary[] => {
  const order = estimator.vector('order_');
  const found: Binary[] = [];
  let frame = given;
  estimator.estimators('estimators_').forEach((each, index) => {
    const one = { each, results: convert(each, frame) };
    found[order[index] ?? index] = one;
    frame = [...frame, ...toFrame(toLink(graph, estimator, one), 1)];
  });
  return found;
};

const classifierChain: Converter = (estimator, frame, conversion) => ({
  targets: addChain(estimator, frame, conversion).map(({ results }) => results),
});

const regressorChain: Converter = (estimator, frame, conversion) => ({
  prediction: join(
    conversion.graph,
    addChain(estimator, frame, conversion).map(({ each, results }) => predictionOf(each, results)),
  ),
});

export const MULTICLASS: Converters = {
  ...{ OneVsRestClassifier: oneVersusRest, OneVsOneClassifier: oneVersusOne, _ConstantPredictor: constant },
  ...{ MultiOutputClassifier: multiOutputClassifier, MultiOutputRegressor: multiOutputRegressor },
  ...{ ClassifierChain: classifierChain, RegressorChain: regressorChain },
};
