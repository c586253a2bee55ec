import { describe, expect, it } from '@jest/globals';
import { completeBoosters, importPickledBooster } from '../../../../src/formats/boosting/pickled-boosters.ts';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { PyClass, PyObject, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { Estimator } from '../../../../src/formats/sklearn/estimator.ts';
import { lightgbmText, toJson, xgboostDocument } from '../../../support/boosters.ts';
import { COLUMNS, readModel } from '../../../support/parity/boosting.ts';

const object = (path: string, state: Readonly<Record<string, PyValue>>): PyObject => {
  const at = path.lastIndexOf('.');
  const made = new PyObject(new PyClass(path.slice(0, at), path.slice(at + 1)));
  made.state = new Map(Object.entries(state));
  return made;
};

const xgboost = (state: Readonly<Record<string, PyValue>>, document: unknown = xgboostDocument()): PyObject =>
  object('xgboost.sklearn.XGBClassifier', {
    _Booster: object('xgboost.core.Booster', { handle: Uint8Array.from(toJson(document)) }),
    ...state,
  });

const lightgbm = (state: Readonly<Record<string, PyValue>>): PyObject =>
  object('lightgbm.sklearn.LGBMClassifier', {
    _Booster: object('lightgbm.basic.Booster', { _handle: lightgbmText() }),
    ...state,
  });

const readObject = async (library: 'xgboost' | 'lightgbm', version: string, file: string) =>
  readPickle(await readModel(library, version, file));

describe('a pickled booster', () => {
  it('has the classes of its estimator', async () => {
    const model = importPickledBooster(await readObject('lightgbm', '4.6.0', 'classes.pkl.gz'));
    expect(model?.config.id2label).toEqual({ 0: 'low', 1: 'mid', 2: 'top' });
  });

  it('predicts with the trees up to the best iteration', async () => {
    const model = importPickledBooster(await readObject('xgboost', '3.2.0', 'stopped.pkl.gz'));
    const trees = Number.parseInt(model?.outline.parts?.[1]?.text.replace('gbtree: ', '') ?? '', 10);
    const document = (await readModel('xgboost', '3.2.0', 'stopped.pkl.gz')).toString('latin1');
    const best = Number(/best_iterationSL.{7}.(\d+)/s.exec(document)?.[1]);
    expect(trees).toBe(best + 1);
  });

  it('is nothing else', () => {
    expect(importPickledBooster(object('sklearn.dummy.DummyClassifier', {}))).toBeUndefined();
    expect(importPickledBooster(['xgboost'])).toBeUndefined();
  });

  it('gets the attributes that Python computes, wherever it lies', async () => {
    for (const version of ['1.7.6', '3.2.0']) {
      const classifier = await readObject('xgboost', version, 'classes.pkl.gz');
      const pipeline = object('sklearn.pipeline.Pipeline', {
        steps: [new Map<PyValue, PyValue>([['last', classifier]])],
      });
      completeBoosters([pipeline, pipeline]);
      if (!(classifier instanceof PyObject)) throw new Error('no object');
      const estimator = new Estimator(classifier, '');
      expect(estimator.number('n_features_in_')).toBe(COLUMNS.length);
      expect(estimator.items('classes_')).toEqual([0, 1, 2]);
    }
  });

  it.each<[string, PyObject, string]>([
    ['an estimator that nobody fitted', object('xgboost.sklearn.XGBRegressor', {}), 'fit it before it is saved'],
    ['an estimator that nobody fitted', lightgbm({ _Booster: null }), 'LGBMClassifier: it has no booster'],
    [
      'an objective of the user',
      xgboost({ objective: new PyClass('__main__', 'mine') }),
      'its objective is a function',
    ],
    [
      'an objective of the user',
      lightgbm({ _objective: new PyClass('__main__', 'mine') }),
      'its objective is a function',
    ],
    ['no bytes', xgboost({ _Booster: object('xgboost.core.Booster', { handle: null }) }), '"handle" holds no bytes'],
    ['no text', lightgbm({ _Booster: object('lightgbm.basic.Booster', { handle: 3 }) }), '"handle" holds no text'],
    ['classes of another number', xgboost({ classes_: ['a', 'b', 'c'] }), 'it has 3 classes, and its booster 2'],
  ])('is refused: %s', (_, value, message) => {
    expect(() => importPickledBooster(value)).toThrow(message);
  });
});
