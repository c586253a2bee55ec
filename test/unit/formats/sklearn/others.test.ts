import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { openGraph } from '../../../support/formats/sklearn-graph.ts';

const FOLDER = 'test/fixtures/formats/sklearn-others';
const [COUNT, COLUMNS, SEED] = [1000, 3, 5];

const models = readPickle(await readFile(`${FOLDER}/models.joblib`));
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

describe('models of sparse matrices, of codes and of factors answer 1,000 rows as scikit-learn does', () => {
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
    const scores = numbersOf(answers.probabilities ?? answers.margins);
    expect(answers.label === undefined ? bestOf(scores) : numbersOf(answers.label)).toEqual(label);
  });
});
