import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { Outline } from '../../../../src/formats/imported-model.ts';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { PyClass, PyObject, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { Estimator } from '../../../../src/formats/sklearn/estimator.ts';
import { addInputs } from '../../../../src/formats/sklearn/inputs.ts';
import { outlineOf } from '../../../../src/formats/sklearn/outline.ts';
import { createGraph } from '../../../../src/onnx/graph-builder.ts';
import { convertTransformer } from '../../../support/formats/sklearn-graph.ts';

const VERSION = '1.9.1';
const models = readPickle(await readFile(`test/fixtures/formats/sklearn-preprocessing/${VERSION}.joblib`));

const fixture = (name: string): PyObject => {
  const model = models instanceof Map ? models.get(name) : undefined;
  if (!(model instanceof PyObject)) throw new Error(`no model "${name}"`);
  return model;
};

const toObject = (path: string, state: Readonly<Record<string, PyValue>>): PyObject => {
  const [name = '', ...module] = path.split('.').reverse();
  const object = new PyObject(new PyClass(module.reverse().join('.'), name));
  object.state = new Map(Object.entries(state));
  return object;
};

const inputsOf = (model: PyObject) => addInputs(createGraph(), new Estimator(model, VERSION));

describe('the columns of a model', () => {
  it('have the categories of an encoder that refuses others, and may be missing where something fills them', () => {
    const { columns, frame, isText } = inputsOf(fixture('ColumnTransformer of a frame'));
    expect(columns.map(({ name, optional }) => [name, optional])).toEqual([
      ['a', true],
      ['bm', true],
      ['citym', true],
      ['flag', true],
    ]);
    expect(columns[2]?.categories).toEqual(expect.arrayContaining(['Köln', '北京', 'oslo']));
    expect(frame.map(({ dtype }) => dtype)).toEqual(['float64', 'float64', 'string', 'float64', 'float64']);
    expect(isText).toBe(false);
  });

  it('are strings, numbers or booleans, as the categories are', () => {
    const { columns, frame } = inputsOf(fixture('OneHotEncoder'));
    expect(columns).toEqual([
      { name: 'city', categories: expect.arrayContaining(['Athína']) },
      { name: 'grade', categories: [-1, 0, 1, 2, 3, 4] },
      { name: 'flag', categories: [0, 1] },
    ]);
    expect(frame.map(({ dtype }) => dtype)).toEqual(['string', 'float64', 'float64']);
  });

  it('take any value where an encoder does, and the missing category is a missing value', () => {
    expect(inputsOf(fixture('OneHotEncoder ignore')).columns).toEqual([
      { name: 'cityum', optional: true },
      { name: 'gradeu', optional: true },
    ]);
    const [city, grade] = inputsOf(fixture('OneHotEncoder missing')).columns;
    expect(city).toMatchObject({ name: 'citym', optional: true });
    expect(city?.categories).not.toContain('');
    expect(grade).toEqual({ name: 'gradem', optional: true, categories: [-1, 0, 1, 2, 3, 4] });
  });

  it('of numbers alone are one input, in the order of a row', () => {
    const { columns, frame } = inputsOf(fixture('ColumnTransformer of an array'));
    expect(columns.map(({ name }) => name)).toEqual(['x0', 'x1', 'x2', 'x3']);
    expect(frame).toEqual([{ value: 'X', width: 4, dtype: 'float64' }]);
  });

  it('get names of inputs as skl2onnx makes them, unless two would be the same', () => {
    const names = ['fare (GBP)', 'a b', 'a.b', '2nd'];
    const categories = names.map((): PyValue => ['x', 'y']);
    const encoder = toObject('sklearn.preprocessing._encoders.OrdinalEncoder', {
      ...{ n_features_in_: 4, feature_names_in_: names, categories_: categories, handle_unknown: 'error' },
    });
    expect(inputsOf(encoder).frame.map(({ value }) => value)).toEqual(['fare__GBP_', 'a b', 'a.b', '_2nd']);
  });

  it.each([
    ['an estimator that nobody fitted', {}, /fit it before it is saved/],
    ['names that are no texts', { n_features_in_: 1, feature_names_in_: [3] }, /a column is named 3, expected a text/],
    [
      'dates',
      { n_features_in_: 1, categories_: [[toObject('datetime.date', {})]], handle_unknown: 'error' },
      /expected strings, numbers or booleans/,
    ],
  ])('refuse %s', (_, state, problem) => {
    const encoder = toObject('sklearn.preprocessing._encoders.OneHotEncoder', state);
    expect(() => inputsOf(encoder)).toThrow(problem);
    expect(() => inputsOf(encoder)).toThrow(
      /^sklearn\.preprocessing\._encoders\.OneHotEncoder \(scikit-learn 1\.9\.1\): /,
    );
  });

  it('refuse a pipeline that holds itself', () => {
    const pipeline = toObject('sklearn.pipeline.FeatureUnion', {});
    pipeline.state = new Map<PyValue, PyValue>([
      ['n_features_in_', 1],
      [
        'transformer_list',
        [
          ['one', pipeline],
          ['two', pipeline],
        ],
      ],
    ]);
    expect(() => inputsOf(pipeline)).toThrow(/more than 50 within each other/);
  });
});

describe('settings that are code or unknown', () => {
  const code = new PyClass('__main__', 'clean');
  it.each([
    ['FunctionTransformer in a pipeline', 'func', /func is __main__\.clean, which is code/],
    ['KNNImputer', 'metric', /metric is code, expected "nan_euclidean"/],
    ['Normalizer l1', 'norm', /norm is .*, expected/],
    ['SelectFromModel Lasso', 'importance_getter', /importance_getter is/],
  ])('of %s are refused', (name, attribute, problem) => {
    const model = fixture(name);
    const own = name.includes('pipeline')
      ? toObject('sklearn.preprocessing._function_transformer.FunctionTransformer', {})
      : model;
    const state = new Map(model.state instanceof Map ? model.state : []);
    own.state =
      own === model
        ? state.set(attribute, code)
        : new Map<PyValue, PyValue>([
            ['n_features_in_', 1],
            [attribute, code],
          ]);
    expect(() => convertTransformer(own, VERSION)).toThrow(problem);
  });
});

const lines = ({ text, parts = [] }: Outline, depth = 0): string[] => [
  `${'  '.repeat(depth)}${text}`,
  ...parts.flatMap((part) => lines(part, depth + 1)),
];

describe('an outline', () => {
  it('has the steps, their columns, and what they learnt', () => {
    expect(lines(outlineOf(new Estimator(fixture('ColumnTransformer of a frame'), VERSION)))).toEqual([
      'ColumnTransformer',
      '  numbers of a, bm: Pipeline',
      '    simpleimputer: SimpleImputer(strategy="mean")',
      '    standardscaler: StandardScaler',
      '  city of citym: Pipeline',
      '    simpleimputer: SimpleImputer(strategy="most_frequent")',
      '    onehotencoder: OneHotEncoder(handle_unknown="error"), categories: 13',
      '  flag of flag: FunctionTransformer',
      '  remainder of grade: drop',
    ]);
  });
});
