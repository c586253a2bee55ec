import { describe, expect, it } from '@jest/globals';
import { PyTuple, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { toArray, toLogistic, toObject } from '../../../support/formats/py-objects.ts';

const FITTED = { _sklearn_version: '1.7.2', n_features_in_: 2 };

const MIXTURE = {
  ...FITTED,
  covariance_type: 'spherical',
  weights_: toArray([1], [1]),
  means_: toArray([1, 2], [1, 2]),
};

const NETWORK = {
  ...FITTED,
  ...{ activation: 'relu', out_activation_: 'identity', intercepts_: [toArray([1], [0])] },
};

const NAN = Number.NaN;

it.each<[string, PyValue, RegExp]>([
  [
    'a centre that is NaN',
    toObject('sklearn.cluster._kmeans.KMeans', { ...FITTED, cluster_centers_: toArray([2, 2], [0, 1, NAN, 3]) }),
    /KMeans \(scikit-learn 1\.7\.2\): cluster_centers_ has NaN, expected finite numbers: fit the model again/,
  ],
  [
    'an infinite coefficient',
    toLogistic(['a', 'b'], { coef_: toArray([1, 2], [1, -Infinity]) }),
    /coef_ has -Infinity/,
  ],
  ['an offset that is NaN', toLogistic(['a', 'b'], { intercept_: toArray([1], [NAN]) }), /intercept_ has NaN/],
  [
    'a precision that is NaN',
    toObject('sklearn.mixture._gaussian_mixture.GaussianMixture', {
      ...MIXTURE,
      precisions_cholesky_: toArray([1], [NAN]),
    }),
    /precisions_cholesky_ has NaN/,
  ],
  [
    'a weight of a network that is NaN',
    toObject('sklearn.neural_network._multilayer_perceptron.MLPRegressor', {
      ...NETWORK,
      coefs_: [toArray([2, 1], [1, NAN])],
    }),
    /coefs_ has NaN/,
  ],
])('a model that scikit-learn could not have fitted is refused: %s', (_what, model, reason) => {
  expect(() => importSklearn(model)).toThrow(reason);
});

it('a scaler of a column that had missing values alone is converted', () => {
  const scale_ = toArray([2], [1, NAN]);
  const scaler = toObject('sklearn.preprocessing._data.MaxAbsScaler', { ...FITTED, scale_, clip: false });
  expect(importSklearn(scaler).origin).toBe('scikit-learn 1.7.2');
});

describe('a structure of 10,000 levels is refused by its depth', () => {
  const LEVELS = 10_000;
  const nest = (inner: PyValue, around: (inner: PyValue) => PyValue): PyValue => {
    let value = inner;
    for (let level = 0; level < LEVELS; level += 1) value = around(value);
    return value;
  };
  const named = (step: PyValue, columns: PyValue = [0, 1]) => [new PyTuple(['a', step, columns])];
  const halve = (left: PyValue, label: number): PyValue =>
    toObject('sklearn.cluster._bisect_k_means._BisectingTree', {
      ...{ left, label, center: toArray([1], [label]) },
      right: left && toObject('sklearn.cluster._bisect_k_means._BisectingTree', { label, center: toArray([1], [0]) }),
    });
  const ESTIMATORS = /more than 10000 estimators, more than 50 within each other/;

  it.each<[string, () => PyValue, RegExp]>([
    [
      'halved clusters',
      () =>
        toObject('sklearn.cluster._bisect_k_means.BisectingKMeans', {
          ...{ ...FITTED, n_features_in_: 1, cluster_centers_: toArray([LEVELS + 1, 1], new Float64Array(LEVELS + 1)) },
          _bisecting_tree: nest(halve(null, 0), (inner) => halve(inner, 1)),
        }),
      /_bisecting_tree is more than 1000 clusters deep: fit it with a smaller n_clusters/,
    ],
    [
      'pipelines',
      () => nest(toLogistic(['a', 'b']), (steps) => toObject('sklearn.pipeline.Pipeline', { steps: named(steps) })),
      ESTIMATORS,
    ],
    [
      'unions',
      () => nest(null, (step) => toObject('sklearn.pipeline.FeatureUnion', { transformer_list: named(step) })),
      ESTIMATORS,
    ],
    [
      'transformers of columns',
      () =>
        nest(null, (step) =>
          toObject('sklearn.compose._column_transformer.ColumnTransformer', { ...FITTED, transformers_: named(step) }),
        ),
      ESTIMATORS,
    ],
    [
      'tuples of a setting',
      () => toLogistic(['a', 'b'], { penalty: nest('l2', (inner) => new PyTuple([inner])) }),
      /it has lists or dicts within each other, more than 100 deep/,
    ],
    [
      'lists of columns',
      () =>
        toObject('sklearn.compose._column_transformer.ColumnTransformer', {
          ...{ ...FITTED, transformers_: named('drop', [nest(0, (inner) => [inner])]) },
        }),
      /it has lists or dicts within each other, more than 100 deep/,
    ],
  ])('%s', (_what, make, reason) => {
    expect(() => importSklearn(make())).toThrow(reason);
  });
});

it('columns that are lists within a list are refused', () => {
  const transformers_ = [new PyTuple(['a', 'passthrough', [[0], [1]]])];
  const model = toObject('sklearn.compose._column_transformer.ColumnTransformer', { ...FITTED, transformers_ });
  expect(() => importSklearn(model)).toThrow(/the columns of "a" are .*, expected names, indices, a slice or a mask/);
});
