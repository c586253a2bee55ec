import { PyObject } from '../pickle/values.ts';
import { type Estimator, toItems } from './estimator.ts';

/** Estimators within an estimator that get its columns, by the attribute that has them. */
const INNER = [
  'best_estimator_',
  'estimator_',
  'regressor_',
  'calibrated_classifiers_',
  'estimators_',
  '_preprocessor',
];

/** The attribute of a booster that tells for each column whether its categories are texts; none where no column has any. */
export const TEXT_COLUMNS = '_has_texts';

/** Estimators that take missing numbers, and the first version of scikit-learn in which they do. */
const NATIVE_MISSING: readonly (readonly [RegExp, number])[] = [
  [/^HistGradientBoosting/, 0],
  [/^(?:XGB|LGBM)/, 0],
  [/^DecisionTree/, 3],
  [/^RandomForest/, 4],
  [/^ExtraTree/, 6],
  [/^(?:IsolationForest|Dummy)/, 6],
];

export const takesMissing = ({ name, version }: Estimator): boolean => {
  const minor = Number(version.split('.')[1]);
  return NATIVE_MISSING.some(([pattern, since]) => pattern.test(name) && minor >= since);
};

/** The estimators that get the same columns as `estimator`, such as those of a vote. */
export const innerEstimators = (estimator: Estimator): Estimator[] => {
  const names = estimator.name === 'FrozenEstimator' ? ['estimator'] : INNER;
  const attribute = names.find((name) => {
    const value = estimator.find(name);
    return value instanceof PyObject || toItems(value)?.[0] instanceof PyObject;
  });
  if (attribute === undefined) return [];
  const value = estimator.find(attribute);
  const objects = value instanceof PyObject ? [value] : (toItems(value) ?? []);
  return objects.flatMap((object) => (object instanceof PyObject ? [estimator.within(object)] : []));
};
