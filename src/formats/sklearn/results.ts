import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { argMax, toOpposites } from './formulas.ts';

/** Scores float64[N,classes] of which the best is the prediction: a decision of two classes is a single column. */
export const marginsOf = (graph: GraphBuilder, decision: Value, classes: number): Value =>
  classes === 2 ? toOpposites(graph, decision) : decision;

/** `predict` of a classifier or a clusterer as an index int64[N]. */
export const labelOf = (graph: GraphBuilder, of: Estimator, results: Results, classes: number): Value => {
  if (results.classIndex !== undefined) return results.classIndex;
  if (results.probabilities !== undefined) return argMax(graph, results.probabilities);
  if (results.decision !== undefined) return argMax(graph, marginsOf(graph, results.decision, classes));
  return of.refuse('it predicts no class here: expected a classifier');
};

/** `predict` of a regressor, float64[N,targets]. */
export const predictionOf = (of: Estimator, { prediction }: Results): Value =>
  prediction ?? of.refuse('it predicts no number here: expected a regressor');

/** `predict_proba`. */
export const probabilitiesOf = (of: Estimator, { probabilities }: Results): Value =>
  probabilities ?? of.refuse('it gives no probabilities here: expected a classifier with predict_proba');
