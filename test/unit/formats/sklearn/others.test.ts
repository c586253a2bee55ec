import { describe, expect, it } from '@jest/globals';
import { PyObject, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { readParityRecord } from '../../../support/parity/parity-records.ts';
import { isOverBar } from '../../../support/parity/parity-row.ts';
import { measureOthers, readOtherModels } from '../../../support/parity/sklearn-others.ts';

it('models of sparse matrices, codes, factors, halved clusters and spread labels answer 1,000 rows as scikit-learn does', async () => {
  const rows = await measureOthers();
  expect(rows.filter(isOverBar)).toEqual([]);
  const compared = ({ model, compared: what }: (typeof rows)[number]) => `${model}, ${what}`;
  expect(rows.map(compared)).toEqual((await readParityRecord('sklearn-others')).map(compared));
});

describe('a damaged model is refused', () => {
  const change =
    (name: string, edit: (state: Map<PyValue, PyValue>) => void): (() => Promise<unknown>) =>
    async () => {
      const models = await readOtherModels();
      const model = models instanceof Map ? models.get(name) : undefined;
      if (!(model instanceof PyObject && model.state instanceof Map)) throw new Error(`there is no ${name}`);
      edit(model.state);
      return importSklearn(model);
    };
  const inTree = (property: string, value: (tree: PyObject) => PyValue): (() => Promise<unknown>) =>
    change('BisectingKMeans', (state) => {
      const tree = state.get('_bisecting_tree') as PyObject;
      (tree.state as Map<PyValue, PyValue>).set(property, value(tree));
    });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a tree that holds itself',
      inTree('left', (tree) => tree),
      /_bisecting_tree is damaged, expected a leaf for each/,
    ],
    ['a tree with one half', inTree('right', () => null), /right is None, expected an estimator/],
    ['a tree without centres', inTree('left', ({ type }) => new PyObject(type)), /it has no center/],
    ['no tree', change('BisectingKMeans', (state) => state.delete('_bisecting_tree')), /it has no _bisecting_tree/],
    [
      'no ridge',
      change('SparsePCA', (state) => state.set('ridge_alpha', 0)),
      /ridge_alpha is 0, expected a number above/,
    ],
    [
      'a kernel of code',
      change('LabelPropagation', (state) => state.set('kernel', null)),
      /kernel is code, expected "rbf"/,
    ],
    [
      'no neighbours',
      change('LabelSpreading', (state) => state.set('nn_fit', null)),
      /nn_fit is None, expected an est/,
    ],
    [
      'a class without neighbours that is none',
      change('RadiusNeighborsClassifier', (state) => state.set('outlier_label_', ['z'])),
      /outlier_label is none of its classes/,
    ],
    [
      'rows without neighbours that are an error',
      change('RadiusNeighborsClassifier', (state) => state.set('outlier_label_', null)),
      /outlier_label is None, by which/,
    ],
    [
      'labels that scikit-learn mistakes',
      change('RadiusNeighborsClassifier of flat distances', (state) => state.set('_fit_method', 'brute')),
      /mistakes its outlier_label with algorithm brute, uniform weights and manhattan distances/,
    ],
    [
      'a radius that is no number',
      change('RadiusNeighborsRegressor', (state) => state.set('radius', Number.NaN)),
      /radius is NaN, expected a number of 0 or more/,
    ],
    [
      'no rows of the training',
      change('RadiusNeighborsRegressor', (state) => state.delete('_fit_X')),
      /it has no _fit_X/,
    ],
    ['labels of nothing', change('LabelPropagation', (state) => state.delete('label_distributions_')), /fit it before/],
  ])('%s', async (_what, convert, reason) => {
    await expect(convert()).rejects.toThrow(reason);
  });
});
