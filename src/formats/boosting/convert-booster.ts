import { type GraphBuilder, longs, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import type { Results } from '../sklearn/conversion.ts';
import { type Frame, toDouble } from '../sklearn/frame.ts';
import type { Booster } from './booster.ts';
import { toNumbers } from './columns.ts';
import { toProbabilities } from './probabilities.ts';

/**
 * Adds a booster behind the steps of a pipeline. A classifier gives probabilities, whatever its objective is: those of both classes from a single
 * number. Any other estimator gives the numbers of `predict`.
 */
export const convertBooster = (booster: Booster, frame: Frame, graph: GraphBuilder, isClassifier: boolean): Results => {
  const { dtype, kind, outputs } = booster;
  const x = toNumbers(graph, frame, booster);
  const answer = booster.predict(graph, x);
  if (!isClassifier) return { prediction: toDouble(graph, answer) };
  const decision = booster.decide && { decision: toDouble(graph, booster.decide(graph, x)) };
  if (kind === 'classes') return { ...decision, probabilities: toDouble(graph, answer) };
  const targets = Array.from({ length: outputs }, (_, target): Results => {
    const second = outputs === 1 ? answer : columnOf(graph, answer, target);
    return { probabilities: toDouble(graph, toProbabilities(graph, second, dtype)) };
  });
  return outputs === 1 ? { ...decision, ...targets[0] } : { targets };
};

const columnOf = (graph: GraphBuilder, value: Value, column: number): Value =>
  graph.op('Gather', [value, graph.constant(longs([column]))], { axis: integer(1) });
