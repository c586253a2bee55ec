import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { columnsSchema } from '../../../../src/media/table/table.ts';
import { toObject } from '../../../support/formats/py-objects.ts';
import type { TableRow } from '../../../support/formats/table-rows.ts';
import { runGraph } from '../../../support/parity/sklearn-transformers.ts';

const FOLDER = 'test/fixtures/formats/sklearn-frames';

interface Expected {
  readonly rows: readonly TableRow[];
  readonly answers: Readonly<Record<string, { readonly labels: readonly string[]; readonly probabilities: number[] }>>;
}

const { rows, answers }: Expected = JSON.parse(await readFile(`${FOLDER}/expected.json`, 'utf8'));
const models = readPickle(await readFile(`${FOLDER}/models.joblib`));

const predict = async (name: string): Promise<{ labels: string[]; probabilities: number[] }> => {
  const { onnx, config } = importSklearn((models instanceof Map ? models.get(name) : undefined) ?? null);
  const columns = v.parse(columnsSchema, JSON.parse(JSON.stringify(config.columns)));
  const outputs = await runGraph(Buffer.concat([...onnx]), columns, rows, ['age', 'city', 'code']);
  const scores = [...Object(outputs.probabilities)].map(Number);
  const probabilities = rows.map((_, row) => scores[2 * row + 1] ?? Number.NaN);
  const best = probabilities.map((value, row) => (value > (scores[2 * row] ?? 0) ? 'yes' : 'no'));
  const labels =
    outputs.label === undefined ? best : [...Object(outputs.label)].map((at) => ['no', 'yes'][Number(at)] ?? '');
  return { labels, probabilities };
};

describe('models of frames with None, and of imbalanced-learn', () => {
  it.each(Object.keys(answers))('answers as the library: %s', async (name) => {
    const { labels, probabilities } = await predict(name);
    expect(labels).toEqual(answers[name]?.labels);
    const differences = probabilities.map((value, row) => Math.abs(value - (answers[name]?.probabilities[row] ?? 9)));
    expect(Math.max(...differences)).toBeLessThan(1e-12);
  });

  it('refuses a support vector machine whose kernel is a function', () => {
    const kernel = toObject('cloudpickle.cloudpickle._make_function');
    const model = toObject('sklearn.svm._classes.SVC', { _sklearn_version: '1.5.2', kernel });
    expect(() => importSklearn(model)).toThrow(/SVC \(scikit-learn 1.5.2\): its kernel is a function/);
  });
});
