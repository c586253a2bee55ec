import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import {
  clip,
  interpolate,
  join,
  meanOf,
  normalise,
  pick,
  scalar,
  softmax,
  toList,
  toLong,
  toOpposites,
  toPair,
} from './formulas.ts';
import type { Frame } from './frame.ts';
import { toMatrix } from './frame.ts';
import { probabilitiesOf } from './results.ts';

/** Platt's sigmoid, or a step-wise linear function, of a score [N,1]. */
const calibrate = (graph: GraphBuilder, calibrator: Estimator, score: Value): Value => {
  if (calibrator.name === 'IsotonicRegression') return addIsotonic(graph, calibrator, score);
  if (calibrator.name !== '_SigmoidCalibration') return calibrator.refuse('it is no calibrator that can be converted');
  const slope = graph.op('Mul', [scalar(graph, calibrator.number('a_')), score]);
  return graph.op('Sigmoid', [graph.op('Neg', [graph.op('Add', [slope, scalar(graph, calibrator.number('b_'))])])]);
};

/** Temperature scaling: from scikit-learn 1.8. */
const scaleTemperature = (graph: GraphBuilder, calibrator: Estimator, results: Results, classes: number): Value => {
  const { decision, probabilities = '' } = results;
  const logits =
    decision === undefined
      ? graph.op('Log', [graph.op('Add', [probabilities, scalar(graph, 1e-12)])])
      : classes === 2
        ? toOpposites(graph, decision)
        : decision;
  return softmax(graph, graph.op('Mul', [scalar(graph, calibrator.number('beta_')), logits]));
};

const addCalibrated = (owner: Estimator, each: Estimator, frame: Frame, { graph, convert }: Conversion): Value => {
  const classes = classesOf(owner).length;
  const inner = each.estimator('estimator', 'base_estimator');
  const results = convert(inner, frame);
  const calibrators = each.estimators('calibrators', 'calibrators_');
  const [first] = calibrators;
  if (first?.name === '_TemperatureScaling') return scaleTemperature(graph, first, results, classes);
  const scores = results.decision ?? probabilitiesOf(inner, results);
  if (classes === 2) {
    const score = results.decision ?? pick(graph, scores, 1);
    return toPair(graph, calibrate(graph, first ?? each.refuse('it has no calibrator'), score));
  }
  if (calibrators.length !== classes || classesOf(inner).length !== classes)
    return each.refuse(`it knows ${calibrators.length} of ${classes} classes, expected all`);
  const columns = calibrators.map((one, index) => calibrate(graph, one, pick(graph, scores, index)));
  return normalise(graph, join(graph, columns), 1 / classes);
};

const calibrated: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const each = estimator
    .estimators('calibrated_classifiers_')
    .map((one) => addCalibrated(estimator, one, frame, conversion));
  return { probabilities: meanOf(graph, each) };
};

/** A step-wise linear function through its thresholds. Beyond them, it goes on level, or has no value. */
const addIsotonic = (graph: GraphBuilder, estimator: Estimator, x: Value): Value => {
  const [xs, ys] = [estimator.vector('X_thresholds_'), estimator.vector('y_thresholds_')];
  const [low, high] = [xs[0] ?? 0, xs.at(-1) ?? 0];
  const inside = interpolate(graph, clip(graph, x, low, high), xs, ys);
  if (xs.length === 1 || estimator.get('out_of_bounds') === 'clip') return inside;
  const isInside = graph.op('And', [
    graph.op('GreaterOrEqual', [x, scalar(graph, low)]),
    graph.op('LessOrEqual', [x, scalar(graph, high)]),
  ]);
  return graph.op('Where', [isInside, inside, scalar(graph, Number.NaN)]);
};

const isotonic: Converter = (estimator, frame, { graph }) => ({
  prediction: addIsotonic(graph, estimator, toMatrix(graph, frame)),
});

/** A classifier of two classes with a threshold of its own. */
const thresholded: Converter = (estimator, frame, { graph, convert }) => {
  const inner = estimator.estimator('estimator_');
  const results = convert(inner, frame);
  const classes = classesOf(inner);
  const method = estimator.find('response_method') ?? 'auto';
  const isDecision = method === 'decision_function' || (method === 'auto' && results.probabilities === undefined);
  const positive = estimator.find('pos_label') ?? classes[1];
  const index = classes.indexOf(positive ?? null);
  if (classes.length !== 2 || index < 0) return estimator.refuse('its pos_label is none of two classes');
  const decision = index === 1 ? results.decision : results.decision && graph.op('Neg', [results.decision]);
  const score = isDecision ? decision : pick(graph, probabilitiesOf(inner, results), index);
  const given = estimator.find('threshold');
  const threshold = given === 'auto' ? (isDecision ? 0 : 0.5) : estimator.number('best_threshold_', 'threshold');
  const isPositive = graph.op('GreaterOrEqual', [
    score ?? inner.refuse('it has no decision_function here'),
    scalar(graph, threshold),
  ]);
  const label = toLong(graph, toList(graph, index === 1 ? isPositive : graph.op('Not', [isPositive])));
  return { ...results, classIndex: label };
};

export const CALIBRATION: Converters = {
  ...{ CalibratedClassifierCV: calibrated, IsotonicRegression: isotonic },
  ...{ FixedThresholdClassifier: thresholded, TunedThresholdClassifierCV: thresholded },
};
