import type { ImportedModel } from '../imported-model.ts';
import * as lightgbm from '../lightgbm/pickled-lightgbm.ts';
import { PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import type { Converter, Converters } from '../sklearn/conversion.ts';
import { Estimator, toItems } from '../sklearn/estimator.ts';
import { TEXT_COLUMNS } from '../sklearn/inner-estimators.ts';
import * as xgboost from '../xgboost/pickled-xgboost.ts';
import type { Booster } from './booster.ts';
import { hasTexts } from './columns.ts';
import { convertBooster } from './convert-booster.ts';
import { importBooster } from './import-booster.ts';

/** A class that holds a booster. */
interface Kind {
  readonly read: (estimator: Estimator) => Booster;
  /** `values`: it predicts numbers. `booster`: what its objective says. */
  readonly role: 'classes' | 'values' | 'booster';
}

const isFitted = (estimator: Estimator): boolean => (estimator.find('_Booster') ?? null) !== null;

/** An estimator around a booster. */
const estimatorKind = (read: Kind['read'], role: 'classes' | 'values'): Kind => ({
  role,
  read: (estimator) =>
    isFitted(estimator) ? read(estimator) : estimator.refuse('it has no booster: fit it before it is saved'),
});

const { readPickledXgboost } = xgboost;
const { readPickledLightgbm } = lightgbm;

/** By full name. */
const KINDS: Readonly<Record<string, Kind>> = {
  'xgboost.core.Booster': { read: xgboost.readPickledBooster, role: 'booster' },
  'xgboost.sklearn.XGBModel': estimatorKind(readPickledXgboost, 'values'),
  'xgboost.sklearn.XGBRegressor': estimatorKind(readPickledXgboost, 'values'),
  'xgboost.sklearn.XGBRFRegressor': estimatorKind(readPickledXgboost, 'values'),
  'xgboost.sklearn.XGBRanker': estimatorKind(readPickledXgboost, 'values'),
  'xgboost.sklearn.XGBClassifier': estimatorKind(readPickledXgboost, 'classes'),
  'xgboost.sklearn.XGBRFClassifier': estimatorKind(readPickledXgboost, 'classes'),
  'lightgbm.basic.Booster': { read: lightgbm.readPickledBooster, role: 'booster' },
  'lightgbm.sklearn.LGBMModel': estimatorKind(readPickledLightgbm, 'values'),
  'lightgbm.sklearn.LGBMRegressor': estimatorKind(readPickledLightgbm, 'values'),
  'lightgbm.sklearn.LGBMRanker': estimatorKind(readPickledLightgbm, 'values'),
  'lightgbm.sklearn.LGBMClassifier': estimatorKind(readPickledLightgbm, 'classes'),
};

const kindOf = (object: PyObject): Kind | undefined =>
  Object.hasOwn(KINDS, object.type.path) ? KINDS[object.type.path] : undefined;

const toConverter =
  ({ read, role }: Kind): Converter =>
  (estimator, frame, { graph }) => {
    const booster = read(estimator);
    return convertBooster(booster, frame, graph, role === 'booster' ? booster.kind !== 'values' : role === 'classes');
  };

/** Converters of boosters within pipelines of scikit-learn, by the full name of the class. */
export const BOOSTER_CONVERTERS: Converters = Object.fromEntries(
  Object.entries(KINDS).map(([path, kind]) => [path, toConverter(kind)]),
);

/** The classes of a classifier, whose probabilities have the same order; 0, 1, … where the file has none. */
const classesOf = (estimator: Estimator, { kind, outputs }: Booster): readonly PyValue[] => {
  const count = kind === 'classes' ? outputs : 2;
  const classes = toItems(estimator.find('classes_', '_classes')) ?? Array.from({ length: count }, (_, index) => index);
  return classes.length === count
    ? classes
    : estimator.refuse(`it has ${classes.length} classes, and its booster ${count}`);
};

/** The booster of an estimator in the role that its class gives it. */
const inRole = (booster: Booster, role: Kind['role']): Booster => {
  if (role === 'values') return { ...booster, kind: 'values' };
  return role === 'classes' && booster.kind === 'values' ? { ...booster, kind: 'binary' } : booster;
};

/** A pickled booster or an estimator around one as a model of its own; undefined for any other value. @throws `MODEL_INVALID` */
export const importPickledBooster = (value: PyValue): ImportedModel | undefined => {
  const kind = value instanceof PyObject ? kindOf(value) : undefined;
  if (kind === undefined || !(value instanceof PyObject)) return undefined;
  const estimator = new Estimator(value, '');
  const booster = inRole(kind.read(estimator), kind.role);
  const hasClasses = kind.role === 'classes' && (booster.kind === 'classes' || booster.outputs === 1);
  return importBooster(booster, hasClasses ? classesOf(estimator, booster).map(printClass) : undefined);
};

const printClass = (value: PyValue): string => {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
};

/** The values within a value of Python that may hold an estimator. */
const partsOf = (value: PyValue): Iterable<PyValue> => {
  if (value instanceof PyObject) return [value.state];
  if (value instanceof Map) return value.values();
  if (value instanceof PyTuple || Array.isArray(value)) return toItems(value) ?? [];
  return [];
};

/**
 * Gives the boosters within `root` the attributes that Python computes by properties, and that scikit-learn's own estimators have in their files:
 * `n_features_in_`, `feature_names_in_` and `classes_`. Attributes of the file stay. It also tells which columns hold texts.
 * @throws `MODEL_INVALID` for a damaged booster
 */
export const completeBoosters = (root: PyValue): void => {
  const seen = new Set<PyValue>();
  const waiting: PyValue[] = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const kind = value instanceof PyObject ? kindOf(value) : undefined;
    if (kind === undefined) for (const part of partsOf(value)) waiting.push(part);
    else if (value instanceof PyObject && kind.role !== 'booster') complete(value, kind);
  }
};

const complete = (object: PyObject, { read, role }: Kind): void => {
  const estimator = new Estimator(object, '');
  const { state } = object;
  if (!(state instanceof Map) || !isFitted(estimator)) return;
  const booster = read(estimator);
  const names = booster.columns.map(({ name }) => name);
  const add = (name: string, attribute: PyValue) => {
    if (!state.has(name)) state.set(name, attribute);
  };
  add('n_features_in_', names.length);
  add('feature_names_in_', names);
  if (booster.columns.some(hasTexts)) add(TEXT_COLUMNS, booster.columns.map(hasTexts));
  if (role === 'classes') add('classes_', [...classesOf(estimator, booster)]);
};
