import { bytesOf } from '../../../src/core/tensor.ts';
import { type NumpyArray, PyClass, PyObject, type PyValue } from '../../../src/formats/pickle/values.ts';

/** An array of float64. */
export const toArray = (shape: readonly number[], values: ArrayLike<number>): NumpyArray => ({
  ...{ isArray: true, shape, isFortran: false },
  type: { kind: 'f8', bytes: 8, isBigEndian: false },
  content: bytesOf(Float64Array.from(values)),
});

/** A list of values as an array of the kind `O`. */
export const toObjects = (values: readonly PyValue[]): NumpyArray => ({
  ...{ isArray: true, shape: [values.length], isFortran: false },
  type: { kind: 'O', bytes: 8, isBigEndian: false },
  content: values,
});

/** An object of a class by its full name. */
export const toObject = (path: string, state: Readonly<Record<string, PyValue>> = {}): PyObject => {
  const dot = path.lastIndexOf('.');
  const object = new PyObject(new PyClass(path.slice(0, dot), path.slice(dot + 1)));
  object.state = new Map<PyValue, PyValue>(Object.entries(state));
  return object;
};

const LOGISTIC = 'sklearn.linear_model._logistic.LogisticRegression';

/** A fitted logistic regression of two columns, with a coefficient for each class beyond two. */
export const toLogistic = (classes: readonly PyValue[], state: Readonly<Record<string, PyValue>> = {}): PyObject => {
  const rows = classes.length === 2 ? 1 : classes.length;
  return toObject(LOGISTIC, {
    _sklearn_version: '1.7.2',
    n_features_in_: 2,
    multi_class: 'auto',
    solver: 'lbfgs',
    classes_: toObjects(classes),
    coef_: toArray([rows, 2], new Float64Array(rows * 2).fill(0.5)),
    intercept_: toArray([rows], new Float64Array(rows)),
    ...state,
  });
};
