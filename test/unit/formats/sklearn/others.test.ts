import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { PyObject, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { openGraph } from '../../../support/formats/sklearn-graph.ts';

const FOLDER = 'test/fixtures/formats/sklearn-others';
const [COUNT, COLUMNS, SEED] = [1000, 3, 5];

const bytes = await readFile(`${FOLDER}/models.joblib`);
const models = readPickle(bytes);
const expected: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = JSON.parse(
  gunzipSync(await readFile(`${FOLDER}/expected.json.gz`)).toString(),
);

/** The rows of test/reference/sklearn_others.py. */
const ROWS = Float64Array.from({ length: COUNT * COLUMNS }, (_, index) =>
  (index * 7 + SEED) % 3 === 0 ? 0 : Math.floor((((index + SEED) * 0.6180339887498949) % 1) * 1000) / 100 - 3,
);

const answersOf = async (name: string): Promise<ort.InferenceSession.OnnxValueMapType> => {
  const model = models instanceof Map ? (models.get(name) ?? null) : null;
  const session = await openGraph(Buffer.concat([...importSklearn(model).onnx]));
  const answers = await session.run({ X: new ort.Tensor('float64', ROWS, [COUNT, COLUMNS]) });
  await session.release();
  return answers;
};

const numbersOf = (tensor: ort.OnnxValue | undefined): number[] => [...Object(Object(tensor).data)].map(Number);

/** The index of the largest of each row. */
const bestOf = (scores: readonly number[]): number[] => {
  const width = scores.length / COUNT;
  return Array.from({ length: COUNT }, (_, row) => {
    const own = scores.slice(row * width, (row + 1) * width);
    return own.indexOf(Math.max(...own));
  });
};

describe('models of sparse matrices, codes, factors, halved clusters and spread labels answer 1,000 rows as scikit-learn does', () => {
  it.each(Object.keys(expected))('%s', async (name) => {
    const answers = await answersOf(name);
    const { label, ...numbers } = expected[name] ?? {};
    for (const [output, values] of Object.entries(numbers)) {
      const found = numbersOf(answers[output]);
      expect(found).toHaveLength(values.length);
      const differences = values.map(
        (value, index) => Math.abs((found[index] ?? Number.NaN) - value) / Math.max(1, Math.abs(value)),
      );
      expect(Math.max(...differences)).toBeLessThan(1e-12);
    }
    if (label === undefined) return;
    const best = () => bestOf(numbersOf(answers.probabilities ?? answers.margins));
    expect(answers.label === undefined ? best() : numbersOf(answers.label)).toEqual(label);
  });
});

describe('a damaged model is refused', () => {
  const change = (name: string, edit: (state: Map<PyValue, PyValue>) => void): (() => unknown) => {
    const again = readPickle(bytes);
    const model = again instanceof Map ? again.get(name) : undefined;
    if (!(model instanceof PyObject && model.state instanceof Map)) throw new Error(`there is no ${name}`);
    edit(model.state);
    return () => importSklearn(model);
  };
  const inTree = (property: string, value: (tree: PyObject) => PyValue): (() => unknown) =>
    change('BisectingKMeans', (state) => {
      const tree = state.get('_bisecting_tree') as PyObject;
      (tree.state as Map<PyValue, PyValue>).set(property, value(tree));
    });

  it.each<[string, () => unknown, RegExp]>([
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
    ['labels of nothing', change('LabelPropagation', (state) => state.delete('label_distributions_')), /fit it before/],
  ])('%s', (_what, convert, reason) => {
    expect(convert).toThrow(reason);
  });
});
