import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { openGraph } from '../formats/sklearn-graph.ts';
import type { ParityRow } from './parity-row.ts';

const FOLDER = 'test/fixtures/formats/sklearn-others';
const [COUNT, COLUMNS, SEED] = [1000, 3, 5];

/** Outputs of the models by name. A null is a NaN. */
type Outputs = Readonly<Record<string, readonly (number | null)[]>>;

/** The models of test/reference/sklearn_others.py. */
export const readOtherModels = async () => readPickle(await readFile(`${FOLDER}/models.joblib`));

const readExpected = async (): Promise<Readonly<Record<string, Outputs>>> =>
  JSON.parse(gunzipSync(await readFile(`${FOLDER}/expected.json.gz`)).toString());

/** The rows of the script. */
const ROWS = Float64Array.from({ length: COUNT * COLUMNS }, (_, index) =>
  (index * 7 + SEED) % 3 === 0 ? 0 : Math.floor((((index + SEED) * 0.6180339887498949) % 1) * 1000) / 100 - 3,
);

const numbersOf = (tensor: ort.OnnxValue | undefined): number[] => [...Object(Object(tensor).data)].map(Number);

/** The index of the largest of each row. */
const bestOf = (scores: readonly number[]): number[] => {
  const width = scores.length / COUNT;
  return Array.from({ length: COUNT }, (_, row) => {
    const own = scores.slice(row * width, (row + 1) * width);
    return own.indexOf(Math.max(...own));
  });
};

const labelsOf = ({ label, probabilities, margins }: ort.InferenceSession.OnnxValueMapType): number[] =>
  label === undefined ? bestOf(numbersOf(probabilities ?? margins)) : numbersOf(label);

/** NaN where one of both is a NaN, and where they are not as many. */
const worstOf = (found: readonly number[], expected: readonly (number | null)[]): number =>
  found.length === expected.length
    ? Math.max(
        ...expected.map((value, index) => {
          const own = found[index] ?? Number.NaN;
          if (value === null) return Number.isNaN(own) ? 0 : Number.NaN;
          return Math.abs(own - value) / Math.max(1, Math.abs(value));
        }),
      )
    : Number.NaN;

const measureModel = async (model: Parameters<typeof importSklearn>[0], name: string, expected: Outputs) => {
  const session = await openGraph(Buffer.concat([...importSklearn(model).onnx]));
  const answers = await session.run({ X: new ort.Tensor('float64', ROWS, [COUNT, COLUMNS]) });
  await session.release();
  const { label, ...numbers } = expected;
  const worst = Object.entries(numbers).map(([output, values]) => worstOf(numbersOf(answers[output]), values));
  const row = { model: name, inputs: COUNT };
  const rows: ParityRow[] = [];
  if (label !== undefined) {
    const found = labelsOf(answers);
    const wrong = label.filter((each, index) => each !== found[index]).length;
    rows.push({ ...row, compared: 'labels', worst: wrong === 0 ? 'identical' : `${wrong} differ`, bar: 'identical' });
  }
  if (worst.length > 0)
    rows.push({ ...row, compared: 'numbers', worst: Math.max(...worst).toExponential(1), bar: '1e-12' });
  return rows;
};

/** A row for the labels of each model, and one for its numbers. */
export const measureOthers = async (): Promise<ParityRow[]> => {
  const models = await readOtherModels();
  const rows: ParityRow[] = [];
  for (const [name, expected] of Object.entries(await readExpected())) {
    const model = models instanceof Map ? (models.get(name) ?? null) : null;
    rows.push(...(await measureModel(model, name, expected)));
  }
  return rows;
};
