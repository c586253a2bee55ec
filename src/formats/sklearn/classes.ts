import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { isNumpyArray, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { Estimator, toItems } from './estimator.ts';

/** Most classes: a probability of each goes into every answer. */
const MOST_CLASSES = 10_000;

/** Estimators that have the classes of the one within them, under the first of these names. */
const INNER = [
  ...['best_estimator_', 'estimator_', 'base_estimator_', 'final_estimator_', '_label_binarizer', 'label_binarizer_'],
  ...['_final_estimator', 'estimator'],
];

/** Estimators that pass on the results of another one. */
const DELEGATES = [
  ...['Pipeline', 'GridSearchCV', 'RandomizedSearchCV', 'HalvingGridSearchCV', 'HalvingRandomSearchCV'],
  'FrozenEstimator',
];

/** The last step of a pipeline, else the estimator that answers in the place of this one. */
const innerOf = (estimator: Estimator): Estimator | undefined => {
  const last = toItems(estimator.find('steps'))?.at(-1);
  const inner = last instanceof PyTuple ? last.items[1] : estimator.find(...INNER);
  return inner instanceof PyObject ? new Estimator(inner, estimator.version) : undefined;
};

/** Most estimators within each other. */
export const DEEPEST = 50;
/** Most estimators of a model; one that holds itself has no end, and one that holds another twice doubles its count. */
export const MOST_ESTIMATORS = 10_000;

/** The estimator, the one that answers in its place, and so on. */
function* chainOf(estimator: Estimator): Generator<Estimator> {
  let each: Estimator | undefined = estimator;
  for (let depth = 0; each !== undefined && depth < DEEPEST; depth += 1) {
    yield each;
    each = innerOf(each);
  }
}

/** The estimator at the end of pipelines and searches, which gives the results. */
export const finalOf = (estimator: Estimator): Estimator => {
  const all = [...chainOf(estimator)];
  return all.find((each) => !DELEGATES.includes(each.name)) ?? estimator;
};

/** `classes_` of a fitted classifier as it stands in the file. */
const findClasses = (estimator: Estimator): PyValue | undefined => {
  for (const each of chainOf(estimator)) {
    const classes = each.find('classes_', '_classes');
    if (classes !== undefined) return classes;
  }
  return undefined;
};

/** `classes_` of a fitted classifier: of several targets, a list for each. */
const readClasses = (estimator: Estimator): readonly PyValue[] =>
  toItems(findClasses(estimator)) ?? estimator.refuse('it has no classes_: fit it before it is saved');

/** The classes of each target of a classifier with several targets; of a classifier with one target, a list of its own. */
export const classesOfTargets = (estimator: Estimator): (readonly PyValue[])[] => {
  const classes = readClasses(estimator);
  const lists = classes.map((each) => (isNumpyArray(each) || Array.isArray(each) ? toItems(each) : undefined));
  const targets = lists.every((list) => list !== undefined) && lists.length > 0 ? lists : [classes];
  for (const { length } of targets)
    if (length > MOST_CLASSES) estimator.refuse(`it has ${length} classes, expected at most ${MOST_CLASSES}`);
  return targets;
};

/** The classes of a classifier with one target, in the order of their scores. */
export const classesOf = (estimator: Estimator): readonly PyValue[] => {
  const [classes = [], ...others] = classesOfTargets(estimator);
  return others.length === 0 ? classes : estimator.refuse('it has several targets, expected one');
};

/** A class as Python prints it: `True`, `1`, `1.0`, or a text without quotes. */
const printOf = (value: PyValue, isFloat: boolean): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null) return 'None';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return isFloat ? printFloat(value) : String(value);
  throw new ServingError('MODEL_INVALID', `a class is ${show(value)}, expected a text, a number or True and False`);
};

/** `repr` of a float: the shortest digits that give it back, with an exponent beyond 1e16 and below 1e-4. */
const printFloat = (value: number): string => {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential().replace(/e([+-])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`);
  return Number.isInteger(value) ? `${value}.0` : String(value);
};

/** The classes of each target as texts. */
export const labelsOfTargets = (estimator: Estimator): string[][] => {
  const isFloat = hasFloatClasses(estimator);
  return classesOfTargets(estimator).map((classes) => classes.map((each) => printOf(each, isFloat)));
};

const hasFloatClasses = (estimator: Estimator): boolean => {
  const classes = findClasses(estimator);
  return isFloatArray(Array.isArray(classes) ? classes[0] : classes);
};

const isFloatArray = (value: PyValue | undefined): boolean =>
  isNumpyArray(value) &&
  (value.type.kind.startsWith('f') || toItems(value)?.some((item) => typeof item === 'number' && item % 1 !== 0)) ===
    true;
