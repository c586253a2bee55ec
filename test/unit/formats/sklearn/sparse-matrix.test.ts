import { describe, expect, it } from '@jest/globals';
import { PyTuple, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { toArray, toObject } from '../../../support/formats/py-objects.ts';

/** A matrix as scipy keeps it, with zeros left out. */
const toSparse = (
  [rows, columns]: readonly [number, number],
  starts: readonly number[],
  places: readonly number[],
  values: readonly number[],
): PyValue =>
  toObject('scipy.sparse._csr.csr_matrix', {
    _shape: new PyTuple([rows, columns]),
    indptr: toArray([starts.length], starts),
    indices: toArray([places.length], places),
    data: toArray([values.length], values),
  });

/** A support vector classifier of three columns and two vectors. */
const toMachine = (vectors: PyValue, coefficients: PyValue): PyValue =>
  toObject('sklearn.svm._classes.SVC', {
    ...{ _sklearn_version: '1.9.1', n_features_in_: 3, kernel: 'rbf', _gamma: 0.5, decision_function_shape: 'ovr' },
    ...{ _n_support: toArray([2], [1, 1]), classes_: toArray([2], [0, 1]), _intercept_: toArray([1], [0.25]) },
    ...{ support_vectors_: vectors, _dual_coef_: coefficients },
  });

const graphOf = (value: PyValue): Buffer => Buffer.concat([...importSklearn(value).onnx]);

const COEFFICIENTS = toArray([1, 2], [-1, 1]);

describe('a model that was fitted on a sparse matrix', () => {
  it('becomes the same graph as one that was fitted on the matrix with its zeros', () => {
    const sparse = toMachine(
      toSparse([2, 3], [0, 2, 3], [2, 0, 1], [7, 5, -2]),
      toSparse([1, 2], [0, 2], [0, 1], [-1, 1]),
    );
    const dense = toMachine(toArray([2, 3], [5, 0, 7, 0, -2, 0]), COEFFICIENTS);
    expect(graphOf(sparse).equals(graphOf(dense))).toBe(true);
  });

  it('is refused where its zeros would take all memory, with what to do', () => {
    const claimed = toSparse([1e6, 1e6], [0], [], []);
    expect(() => graphOf(toMachine(claimed, COEFFICIENTS))).toThrow(
      /a sparse matrix is \[1000000,1000000\], at most 16000000 numbers are taken: limit max_features/,
    );
  });

  it.each<[string, PyValue]>([
    ['a column that it does not have', toSparse([2, 3], [0, 1, 2], [0, 3], [1, 1])],
    ['a negative column', toSparse([2, 3], [0, 1, 2], [0, -1], [1, 1])],
    ['a row that ends before it begins', toSparse([2, 3], [0, 2, 1], [0, 1], [1, 1])],
    ['half a column', toSparse([2, 3], [0, 1, 2], [0, 1.5], [1, 1])],
    ['half a row', toSparse([2, 3], [0, 0.5, 2], [0, 1], [1, 1])],
    ['values before its first row', toSparse([2, 3], [1, 1, 2], [0, 1], [1, 1])],
    ['a row beyond its values', toSparse([2, 3], [0, 1, 9], [0, 1], [1, 1])],
    ['fewer rows than it says', toSparse([2, 3], [0, 1], [0], [1])],
    ['more columns than values', toSparse([2, 3], [0, 1, 2], [0, 1, 2], [1, 1])],
  ])('is refused for %s', (_, vectors) => {
    expect(() => graphOf(toMachine(vectors, COEFFICIENTS))).toThrow('a sparse matrix is damaged');
  });
});
