import { doubles, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { classesOf } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { join, pick, toColumn } from './formulas.ts';
import { type Frame, toFrame, widthOf } from './frame.ts';
import { labelOf, predictionOf, probabilitiesOf } from './results.ts';

/** The class that an estimator predicts, as a number float64[N,1]. The stack has given it numbers. */
const classOf = (graph: GraphBuilder, each: Estimator, results: Results): Value => {
  const classes = classesOf(each).map(Number);
  if (classes.some(Number.isNaN)) return each.refuse('it predicts texts for the final estimator, expected numbers');
  const numbers = graph.constant(doubles([classes.length], classes));
  return toColumn(graph, graph.op('Gather', [numbers, labelOf(graph, each, results, classes.length)]));
};

/** The columns for the final estimator from the results of an estimator. */
const toFeature = (
  { graph }: Conversion,
  each: Estimator,
  results: Results,
  method: unknown,
  classes: number | undefined,
): Value => {
  if (method === 'predict') return classes === undefined ? predictionOf(each, results) : classOf(graph, each, results);
  if (method === 'decision_function') return results.decision ?? each.refuse('it has no decision_function here');
  const probabilities = probabilitiesOf(each, results);
  return classes === 2 ? pick(graph, probabilities, 1) : probabilities;
};

const stacking =
  (isClassifier: boolean): Converter =>
  (estimator, frame, conversion) => {
    const { graph, convert } = conversion;
    const classes = isClassifier ? classesOf(estimator).length : undefined;
    const methods = estimator.items('stack_method_');
    const features = estimator.estimators('estimators_').flatMap((each, index): Frame => {
      const results = convert(each, frame);
      const value = toFeature(conversion, each, results, methods[index], classes);
      const isDecision = methods[index] === 'decision_function';
      return toFrame(
        value,
        classes === undefined || classes === 2 || methods[index] === 'predict'
          ? 1
          : isDecision
            ? widthOfDecision(each, classes)
            : classes,
      );
    });
    const given = estimator.flag('passthrough') ? [...features, ...frame] : features;
    const width = widthOf(features);
    const joined = toFrame(
      join(
        graph,
        features.map(({ value }) => value),
      ),
      width,
    );
    return convert(estimator.estimator('final_estimator_'), given === features ? joined : [...joined, ...frame]);
  };

/** Columns of a decision of three classes or more: a support vector machine may have one for each pair. */
const widthOfDecision = (each: Estimator, classes: number): number =>
  each.find('decision_function_shape') === 'ovo' ? (classes * (classes - 1)) / 2 : classes;

export const STACKING: Converters = { StackingClassifier: stacking(true), StackingRegressor: stacking(false) };
