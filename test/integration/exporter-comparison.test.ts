import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../src/formats/pickle/read-pickle.ts';
import type { PyValue } from '../../src/formats/pickle/values.ts';
import { importSklearn } from '../../src/formats/sklearn/import-sklearn.ts';
import { FIXTURES } from '../support/image-parity.ts';

const FOLDER = path.join(FIXTURES, 'formats/exporter');
const COLUMNS = 3;

interface Comparison {
  readonly versions: Readonly<Record<string, string>>;
  /** Base64 of float64[1000,3]. */
  readonly rows: string;
  readonly models: Readonly<
    Record<string, { readonly expected: string; readonly otherRows: number; readonly largestDifference: number }>
  >;
}

const { versions, rows, models }: Comparison = JSON.parse(await readFile(path.join(FOLDER, 'comparison.json'), 'utf8'));
const pickled = readPickle(await readFile(path.join(FOLDER, 'models.joblib')));

const decode = (base64: string): Float64Array =>
  new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** The answer of each row: a number, or the class of two with the larger probability. */
const predict = async (model: PyValue): Promise<number[]> => {
  const session = await ort.InferenceSession.create(Buffer.concat([...importSklearn(model).onnx]));
  const data = decode(rows);
  const outputs = await session.run({ X: new ort.Tensor('float64', data, [data.length / COLUMNS, COLUMNS]) });
  await session.release();
  const [output] = Object.values(outputs);
  const values = Array.from<unknown>(output?.data ?? []).map(Number);
  if (output?.dims[1] !== 2) return values;
  const second = values.filter((_, index) => index % 2 === 1);
  return second.map((probability) => (probability > 0.5 ? 1 : 0));
};

/** Made by test/reference/exporter_comparison.py. */
describe('trees over a column of seconds, against scikit-learn', () => {
  it.each(Object.entries(models))('%s answers all rows alike', async (name, { expected }) => {
    const model = pickled instanceof Map ? pickled.get(name) : undefined;
    const answers = await predict(model ?? null);
    const reference = decode(expected);
    expect(answers).toHaveLength(1_000);
    const differences = answers.map((answer, row) => Math.abs(answer - (reference[row] ?? Number.NaN)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-12);
  });

  it('the page of imported models has what the exporter answered', async () => {
    const page = await readFile('docs/import.md', 'utf8');
    for (const [name, { otherRows, largestDifference }] of Object.entries(models)) {
      const largest = name.includes('Classifier') ? 'another label' : largestDifference.toFixed(1);
      expect(page).toContain(`| ${name} | 0 | ${otherRows} | ${otherRows === 0 ? '' : largest} |`);
    }
    expect(page).toContain(`skl2onnx ${versions.skl2onnx}`);
  });
});
