import { describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../../src/core/errors.ts';
import { PyClass, PyTuple, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { toArray, toLogistic, toObject, toObjects } from '../../../support/formats/py-objects.ts';
import { readModels } from '../../../support/parity/sklearn.ts';

const refusalOf = (value: PyValue): string => {
  try {
    importSklearn(value);
  } catch (error) {
    if (error instanceof ServingError && error.code === 'MODEL_INVALID') return error.message;
    throw error;
  }
  return 'converted';
};

const labelsOf = (classes: readonly PyValue[]): unknown[] =>
  Object.values(Object(importSklearn(toLogistic(classes)).config.id2label));

/** A Gaussian process of two training rows of two columns. */
const toProcess = (kernel: PyValue): PyValue =>
  toObject('sklearn.gaussian_process._gpr.GaussianProcessRegressor', {
    ...{ _sklearn_version: '1.9.1', n_features_in_: 2, kernel_: kernel, X_train_: toArray([2, 2], [1, 2, 3, 4]) },
    ...{ alpha_: toArray([2], [1, 2]), _y_train_mean: 0, _y_train_std: 1 },
  });

/** A support vector classifier of a column, with so many vectors of each class, and coefficients of a shape. */
const toMachine = (counts: readonly number[], shape: readonly [number, number]): PyValue =>
  toObject('sklearn.svm._classes.SVC', {
    ...{ _sklearn_version: '1.9.1', n_features_in_: 1, kernel: 'linear', _n_support: toArray([counts.length], counts) },
    classes_: toArray([counts.length], [...counts.keys()]),
    _dual_coef_: toArray(shape, new Float64Array(shape[0] * shape[1])),
  });

const PIPELINE = 'sklearn.pipeline.Pipeline';

describe('what is no model', () => {
  it.each<[string, PyValue, RegExp]>([
    ['a dict', new Map([['model', 1]]), /a dict with the keys \["model"\], expected a fitted model: save the fitted/],
    ['a list', [1, 2], /a list of 2, expected/],
    ['a table', toObject('pandas.core.frame.DataFrame'), /a table, pandas\.core\.frame\.DataFrame/],
    ['an array', toArray([2], [1, 2]), /an array of numpy \[2\]/],
    ['a table of pandas 3', toObject('pandas.DataFrame'), /a table, pandas\.DataFrame/],
    [
      'a class',
      new PyClass('sklearn.svm._classes', 'SVC'),
      /the class or function sklearn\.svm\._classes\.SVC, not an/,
    ],
    [
      'a dict with a model',
      new Map<PyValue, PyValue>([
        ['features', []],
        ['model', toObject('sklearn.svm._classes.SVC')],
      ]),
      /keys \["features","model"\], of which "model" is an object of sklearn\.svm\._classes\.SVC, expected a fitted/,
    ],
    [
      'a tuple with a model',
      new PyTuple([toObject('sklearn.svm._classes.SVC'), 1]),
      /the file holds a tuple of 2, of which item 0 is an object of sklearn\.svm\._classes\.SVC, expected/,
    ],
    ['None', null, /the file holds None/],
    ['a text', 'model', /the file holds "model"/],
  ])('%s is refused with what it is', (_, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it.each<[string, PyValue, RegExp]>([
    ['nobody fitted', toObject('sklearn.svm._classes.SVC', { _sklearn_version: '1.7.2' }), /fit it before it is saved/],
    [
      'an unknown class',
      toObject('sklearn.manifold._isomap.Isomap', { _sklearn_version: '1.9.1', n_features_in_: 2 }),
      /^sklearn\.manifold\._isomap\.Isomap \(scikit-learn 1\.9\.1\): this class cannot be converted/,
    ],
    [
      'a class whose answers depend on the rows beside them',
      toObject('sklearn.decomposition._nmf.NMF', { _sklearn_version: '1.9.1', n_features_in_: 2 }),
      /NMF \(scikit-learn 1\.9\.1\): its transform is an iteration that ends by the sum over all rows/,
    ],
    [
      'a class that knows the rows of its training alone',
      toObject('sklearn.cluster._dbscan.DBSCAN', { _sklearn_version: '1.9.1', n_features_in_: 2 }),
      /DBSCAN \(scikit-learn 1\.9\.1\): it answers for the rows of its training alone/,
    ],
    [
      'an imputer that draws its values',
      toObject('sklearn.impute._iterative.IterativeImputer', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 2, missing_values: Number.NaN, sample_posterior: true },
      }),
      /IterativeImputer .*: sample_posterior=True draws other values each time: fit it with sample_posterior=False/,
    ],
    [
      'a map of a kernel that cannot be converted',
      toObject('sklearn.kernel_approximation.Nystroem', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 2, kernel: 'chi2', gamma: null },
        ...{ components_: toArray([1, 2], [1, 2]), normalization_: toArray([1, 1], [1]) },
      }),
      /Nystroem .*: kernel is "chi2", expected linear, rbf, poly, sigmoid or cosine/,
    ],
    [
      'a map of a kernel with settings elsewhere',
      toObject('sklearn.kernel_approximation.Nystroem', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 2, kernel: 'rbf', gamma: null },
        ...{ kernel_params: new Map([['gamma', 0.9]]), components_: toArray([1, 2], [1, 2]) },
        normalization_: toArray([1, 1], [1]),
      }),
      /Nystroem .*: kernel_params has settings of its kernel: fit it with gamma, coef0 and degree themselves/,
    ],
    [
      'a mixture whose degrees of freedom no fit gives',
      toObject('sklearn.mixture._bayesian_mixture.BayesianGaussianMixture', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 2, covariance_type: 'full', means_: toArray([1, 2], [0, 0]) },
        ...{ precisions_cholesky_: toArray([1, 2, 2], [1, 0, 0, 1]), mean_precision_: toArray([1], [1]) },
        ...{ weight_concentration_prior_type: 'dirichlet_distribution', weight_concentration_: toArray([1], [1]) },
        degrees_of_freedom_: toArray([1], [-1e300]),
      }),
      /BayesianGaussianMixture .*: weight_concentration_ or degrees_of_freedom_ is damaged, expected larger numbers/,
    ],
    [
      'a kernel that needs Bessel functions',
      toProcess(toObject('sklearn.gaussian_process.kernels.Matern', { nu: 0.7, length_scale: 1 })),
      /kernels\.Matern \(scikit-learn 1\.9\.1\): nu is 0\.7, expected 0\.5, 1\.5, 2\.5 or inf/,
    ],
    [
      'a kernel of the program that saved it',
      toProcess(toObject('__main__.RBF', { length_scale: 1 })),
      /^__main__\.RBF \(scikit-learn 1\.9\.1\): this kernel cannot be converted: expected one of Sum, Product/,
    ],
    [
      'a kernel with a length for each of other columns',
      toProcess(toObject('sklearn.gaussian_process.kernels.RBF', { length_scale: toArray([3], [1, 2, 3]) })),
      /kernels\.RBF .*: length_scale has 3 numbers, expected 1 or 2/,
    ],
    [
      'a stack that holds another twice, and so on',
      Array.from({ length: 14 }).reduce<PyValue>(
        (model) =>
          toObject('sklearn.ensemble._stacking.StackingRegressor', {
            ...{ _sklearn_version: '1.9.1', n_features_in_: 2, estimators_: [model], stack_method_: ['predict'] },
            ...{ passthrough: true, final_estimator_: model },
          }),
        toObject('sklearn.linear_model._base.LinearRegression', {
          ...{ _sklearn_version: '1.9.1', n_features_in_: 2, coef_: toArray([2], [1, 2]), intercept_: 0 },
        }),
      ),
      /\(scikit-learn 1\.9\.1\): it is one of more than 10000 estimators/,
    ],
    [
      'a kernel that holds another twice, and so on',
      toProcess(
        Array.from({ length: 8 }).reduce<PyValue>(
          (kernel) => toObject('sklearn.gaussian_process.kernels.Sum', { k1: kernel, k2: kernel }),
          toObject('sklearn.gaussian_process.kernels.RBF', { length_scale: 1 }),
        ),
      ),
      /kernels\.Sum \(scikit-learn 1\.9\.1\): it has more than 100 kernels within it/,
    ],
    [
      'a kernel of which each part is another twice, in 40 levels',
      toProcess(
        Array.from({ length: 40 }).reduce<PyValue>(
          (kernel) => toObject('sklearn.gaussian_process.kernels.Sum', { k1: kernel, k2: kernel }),
          toObject('sklearn.gaussian_process.kernels.RBF', { length_scale: 1 }),
        ),
      ),
      /its parts share values, and take \d+\.\d TB when each has its own, of at most 128\.0 MB/,
    ],
    [
      'a number of columns that would take all memory',
      toLogistic([0, 1], { n_features_in_: 300_000_000 }),
      /LogisticRegression .*: the model has 300000000 columns, expected 1 to 500000/,
    ],
    [
      'a polynomial of a degree that has no end',
      toObject('sklearn.preprocessing._polynomial.PolynomialFeatures', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 1, degree: 1e300, include_bias: false },
      }),
      /PolynomialFeatures .*: degree is 1e\+300, at most 100000 is taken/,
    ],
    [
      'a machine with more support vectors than it has',
      toMachine([1e9, 1], [1, 2]),
      /SVC .*: it has 2 support vectors, expected 1000000001 of 2 classes/,
    ],
    [
      'a machine with votes for each two of 401 classes',
      toMachine(new Array<number>(401).fill(1), [400, 401]),
      /it decides between each two of 401 classes, and at most 400 can be converted/,
    ],
    [
      'categories that share a text of 1 MB',
      toObject('sklearn.preprocessing._encoders.OrdinalEncoder', {
        ...{ _sklearn_version: '1.9.1', n_features_in_: 100, handle_unknown: 'error' },
        categories_: Array.from({ length: 100 }, () => toObjects(['x'.repeat(1_000_000), 'y'])),
      }),
      /its parts share values, and take 200\.\d MB when each has its own, of at most 134\.\d MB/,
    ],
    [
      'a class of the program that saved it',
      toObject('__main__.MyModel', { _sklearn_version: '1.3.2', n_features_in_: 2 }),
      /^__main__\.MyModel \(scikit-learn 1\.3\.2\): it is a class of the program that saved it/,
    ],
    [
      'a class of another library with a known name',
      toObject('cuml.linear_model.LogisticRegression', { n_features_in_: 2 }),
      /^cuml\.linear_model\.LogisticRegression: it is no class of scikit-learn/,
    ],
    [
      'a step of the program that saved it',
      toObject(PIPELINE, { _sklearn_version: '1.7.2', steps: [new PyTuple(['own', toObject('__main__.Clean')])] }),
      /^__main__\.Clean \(scikit-learn 1\.7\.2\): it is a class of the program that saved it/,
    ],
    ['a function that was called', toObject('os.system'), /^os\.system: it is no class .* nothing of it was run/],
    [
      'names that are no texts',
      toLogistic([0, 1], { feature_names_in_: toObjects([1, 2]) }),
      /a column is named 1, expected a text/,
    ],
    [
      'too many classes',
      toLogistic(Array.from({ length: 10_001 }, (_, index) => index)),
      /10001 classes, expected at most/,
    ],
    ['coefficients that are no numbers', toLogistic([0, 1], { coef_: 'all' }), /coef_ is "all", expected an array/],
  ])('%s is refused with class and version', (_, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it('a pipeline within itself is refused', () => {
    const steps: PyValue[] = [];
    const pipeline = toObject(PIPELINE, { _sklearn_version: '1.7.2', steps });
    steps.push(new PyTuple(['own', pipeline]));
    expect(refusalOf(pipeline)).toMatch(/Pipeline/);
    const chain = toObject('sklearn.ensemble._bagging.BaggingRegressor', { n_features_in_: 1 });
    if (chain.state instanceof Map) chain.state.set('estimators_', [chain]);
    expect(refusalOf(chain)).toMatch(/BaggingRegressor .* within itself/);
  });
});

describe('classes', () => {
  it('are named as Python prints them', () => {
    expect(labelsOf([false, true])).toEqual(['False', 'True']);
    expect(labelsOf([1, 2, 40])).toEqual(['1', '2', '40']);
    expect(labelsOf(['ja', 'nein'])).toEqual(['ja', 'nein']);
    expect(
      Object.values(
        Object(importSklearn(toLogistic([0, 1, 2], { classes_: toArray([3], [0, 1.5, 1e22]) })).config.id2label),
      ),
    ).toEqual(['0.0', '1.5', '1e+22']);
  });

  it('ten thousand of them are converted', () => {
    expect(labelsOf(Array.from({ length: 10_000 }, (_, index) => index))).toHaveLength(10_000);
  });
});

describe('columns', () => {
  const SCALER = 'sklearn.preprocessing._data.MaxAbsScaler';
  const scaler = (columns: number): PyValue =>
    toObject(SCALER, {
      ...{ _sklearn_version: '1.9.1', n_features_in_: columns, scale_: toArray([columns], new Float64Array(columns)) },
    });

  it('as many as a large vocabulary has words are converted', () => {
    expect(importSklearn(scaler(150_000)).config.columns).toHaveLength(150_000);
  });
});

describe('what an import tells', () => {
  it('the version, and a note for a version that nobody compared', () => {
    expect(importSklearn(toLogistic([0, 1]))).toMatchObject({ origin: 'scikit-learn 1.7.2', notes: [] });
    expect(importSklearn(toLogistic([0, 1], { _sklearn_version: '1.10.0' })).notes).toEqual([
      'scikit-learn 1.10.0 is none of 1.0 to 1.9, whose answers were compared: compare some of yours',
    ]);
    expect(importSklearn(toLogistic([0, 1], { _sklearn_version: '0.24.2' })).notes).toHaveLength(1);
  });

  it('columns by their names, and which of them may be missing', async () => {
    const named = importSklearn(toLogistic([0, 1], { feature_names_in_: toObjects(['age', 'fare']) }));
    expect(named.config.columns).toEqual([{ name: 'age' }, { name: 'fare' }]);
    const models = await readModels('1.9.1');
    const configOf = (name: string) => importSklearn(models.get(name) ?? null).config;
    expect(configOf('histogram boosting with words')).toMatchObject({
      pipeline_tag: 'tabular-classification',
      columns: expect.arrayContaining([
        { name: 'city', optional: true },
        { name: 'width', optional: true },
      ]),
      id2label: { 0: '1', 1: '2', 2: '4' },
    });
    expect(configOf('gradient boosting').columns).toEqual(['x0', 'x1', 'x2', 'x3'].map((name) => ({ name })));
    expect(configOf('forest').columns).toEqual(['x0', 'x1', 'x2', 'x3'].map((name) => ({ name, optional: true })));
  });

  it('its parts as a tree', async () => {
    const { outline } = importSklearn((await readModels('1.9.1')).get('pipeline of columns') ?? null);
    expect(outline.text).toBe('Pipeline');
    expect(outline.parts?.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^columntransformer: ColumnTransformer/),
      expect.stringMatching(/^randomforestclassifier: RandomForestClassifier\(n_estimators=5, max_depth=4/),
    ]);
  });

  it('the kind of the scores where they are no probabilities', async () => {
    const models = await readModels('1.9.1');
    const configOf = (name: string) => importSklearn(models.get(name) ?? null).config;
    expect(configOf('SVC')).toMatchObject({ scores: 'margins', id2label: { 0: 'no', 1: 'yes' } });
    expect(configOf('SVC with probabilities')).not.toHaveProperty('scores');
    expect(configOf('KMeans')).toMatchObject({ scores: 'distances', id2label: { 0: '0', 1: '1', 2: '2' } });
    expect(configOf('isolation forest')).toMatchObject({ scores: 'outlier_score', id2label: { 0: '-1', 1: '1' } });
    expect(configOf('forest of labels')).toMatchObject({ problem_type: 'multi_label_classification' });
    expect(configOf('forest of two outputs')).toMatchObject({
      targets: [{ id2label: { 0: 'a', 1: 'b', 2: 'c' } }, { id2label: { 0: 'n', 1: 'p' } }],
    });
    expect(configOf('forest of two targets')).toMatchObject({ pipeline_tag: 'tabular-regression' });
  });
});
