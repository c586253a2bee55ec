import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { columnsSchema } from '../../../../src/media/table/table.ts';
import { toObject } from '../../../support/formats/py-objects.ts';
import type { TableRow } from '../../../support/formats/table-rows.ts';
import { runGraph } from '../../../support/parity/sklearn-transformers.ts';

interface Expected {
  readonly rows: readonly TableRow[];
  readonly answers: Readonly<Record<string, { readonly labels: readonly string[]; readonly probabilities: number[] }>>;
}

const readFixture = async (folder: string) => {
  const expected: Expected = JSON.parse(await readFile(`test/fixtures/formats/${folder}/expected.json`, 'utf8'));
  return { ...expected, models: readPickle(await readFile(`test/fixtures/formats/${folder}/models.joblib`)) };
};

type Fixture = Awaited<ReturnType<typeof readFixture>>;

const frames = await readFixture('sklearn-frames');
const places = await readFixture('sklearn-places');

const predict = async ({ models, rows }: Fixture, name: string) => {
  const { onnx, config } = importSklearn((models instanceof Map ? models.get(name) : undefined) ?? null);
  const columns = v.parse(columnsSchema, JSON.parse(JSON.stringify(config.columns)));
  const outputs = await runGraph(Buffer.concat([...onnx]), columns, rows, Object.keys(rows[0] ?? {}));
  const scores = [...Object(outputs.probabilities)].map(Number);
  const probabilities = rows.map((_, row) => scores[2 * row + 1] ?? Number.NaN);
  const best = probabilities.map((value, row) => (value > (scores[2 * row] ?? 0) ? 'yes' : 'no'));
  const labels =
    outputs.label === undefined ? best : [...Object(outputs.label)].map((at) => ['no', 'yes'][Number(at)] ?? '');
  return { labels, probabilities };
};

const compare = async (fixture: Fixture, name: string): Promise<void> => {
  const { labels, probabilities } = await predict(fixture, name);
  const expected = fixture.answers[name];
  expect(labels).toEqual(expected?.labels);
  const differences = probabilities.map((value, row) => Math.abs(value - (expected?.probabilities[row] ?? 9)));
  expect(Math.max(...differences)).toBeLessThan(1e-12);
};

it.each(Object.keys(places.answers))('a frozen pipeline, steps that take columns by places, or LightGBM: %s', (name) =>
  compare(places, name),
);

describe('models of frames with None, and of imbalanced-learn', () => {
  it.each(Object.keys(frames.answers))('answers as the library: %s', (name) => compare(frames, name));

  it('refuses a support vector machine whose kernel is a function', () => {
    const kernel = toObject('cloudpickle.cloudpickle._make_function');
    const model = toObject('sklearn.svm._classes.SVC', { _sklearn_version: '1.5.2', kernel });
    expect(() => importSklearn(model)).toThrow(/SVC \(scikit-learn 1.5.2\): its kernel is a function/);
  });
});
