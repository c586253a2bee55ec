import type { Booster } from '../boosting/booster.ts';
import type { Estimator } from '../sklearn/estimator.ts';
import { readLightgbm } from './booster.ts';

/** `lightgbm.basic.Booster`: `predict` takes the best iteration where early stopping found one. */
export const readPickledBooster = (object: Estimator): Booster => {
  const handle = object.get('_handle', 'handle');
  if (typeof handle !== 'string') return object.refuse('its "handle" holds no text, expected a trained booster');
  const best = object.find('best_iteration');
  return readLightgbm(Buffer.from(handle), typeof best === 'number' && best > 0 ? best : undefined);
};

/** `LGBMClassifier` and its kin, with the answers of their `predict`. @throws `MODEL_INVALID` for an objective of the user's own */
export const readPickledLightgbm = (estimator: Estimator): Booster => {
  const objective = estimator.find('_objective', 'objective') ?? null;
  if (objective !== null && typeof objective !== 'string')
    estimator.refuse('its objective is a function, which is not in the file: train with an objective of LightGBM');
  const { decide, ...booster } = readPickledBooster(estimator.estimator('_Booster'));
  // Its classifier has `decision_function` from 4.7 on, as it has this attribute. scikit-learn then calibrates and compares by it.
  return decide !== undefined && estimator.find('_fitted_with_feature_names') !== undefined
    ? { ...booster, decide }
    : booster;
};
