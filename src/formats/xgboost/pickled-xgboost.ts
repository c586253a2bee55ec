import { type GraphBuilder, singles, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import type { Booster } from '../boosting/booster.ts';
import type { Estimator } from '../sklearn/estimator.ts';
import { readXgboost } from './booster.ts';
import type { Part } from './part.ts';

/** The bytes that a pickled booster holds. */
const bytesOf = (object: Estimator): Buffer => {
  const handle = object.get('handle');
  if (!(handle instanceof Uint8Array)) return object.refuse('its "handle" holds no bytes, expected a trained booster');
  return Buffer.from(handle.buffer, handle.byteOffset, handle.byteLength);
};

/** `xgboost.core.Booster`, with the answers of its `predict`. */
export const readPickledBooster = (object: Estimator): Booster => readXgboost(bytesOf(object));

/** Iterations up to the best one, which an estimator with early stopping predicts with; gblinear takes all. */
const bestRounds = (learner: Part): number | undefined => {
  const best = learner.find('attributes')?.find('best_iteration')?.number();
  return best === undefined || best < 0 ? undefined : Math.floor(best) + 1;
};

/** `XGBClassifier` and its kin, with the answers of their `predict`. @throws `MODEL_INVALID` for an objective of the user's own */
export const readPickledXgboost = (estimator: Estimator): Booster => {
  const objective = estimator.find('objective') ?? null;
  if (objective !== null && typeof objective !== 'string')
    estimator.refuse('its objective is a function, which is not in the file: train with an objective of XGBoost');
  const booster = readXgboost(bytesOf(estimator.estimator('_Booster')), bestRounds);
  const missing = estimator.find('missing');
  if (typeof missing !== 'number' || Number.isNaN(missing)) return booster;
  return { ...booster, predict: (graph, x) => booster.predict(graph, withoutMissing(graph, x, missing)) };
};

/** `x`, with NaN in the place of the value that the estimator takes for a missing one. */
const withoutMissing = (graph: GraphBuilder, x: Value, missing: number): Value => {
  const row = graph.op('Cast', [x], { to: integer(DATA_TYPES.float32) });
  const isMissing = graph.op('Equal', [row, graph.constant(singles([1], [missing]))]);
  return graph.op('Where', [isMissing, graph.constant(singles([1], [Number.NaN])), row]);
};
