import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { importPickledBooster } from '../../../src/formats/boosting/pickled-boosters.ts';
import type { ImportedModel } from '../../../src/formats/imported-model.ts';
import { importLightgbm } from '../../../src/formats/lightgbm/import-lightgbm.ts';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { importXgboost } from '../../../src/formats/xgboost/import-xgboost.ts';
import type { Chunks } from '../../../src/onnx/chunks.ts';
import { FIXTURES } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';

/** A case of test/reference/boosting.py. Numbers are base64 of their bytes. */
export interface BoostingCase {
  readonly name: string;
  readonly file: string;
  /** Values that replace those of the rows, as (row, column, value). */
  readonly patches: string;
  readonly outputs?: number;
  readonly expected?: string;
  readonly labels?: readonly string[];
  /** Columns `code` and `count` are categories of pandas. */
  readonly frame?: boolean;
  /** Rows without missing values. */
  readonly clean?: boolean;
}

export type Library = 'xgboost' | 'lightgbm';

interface Settings {
  readonly title: string;
  readonly versions: readonly string[];
  readonly bar: string;
  readonly toNumbers: (bytes: ArrayBuffer) => Float32Array | Float64Array;
  readonly importFile: (bytes: Buffer) => Promise<ImportedModel>;
}

const LIBRARIES: Readonly<Record<Library, Settings>> = {
  xgboost: {
    ...{ title: 'XGBoost', versions: ['1.7.6', '3.2.0'], bar: '1e-6', importFile: importXgboost },
    toNumbers: (bytes) => new Float32Array(bytes),
  },
  lightgbm: {
    ...{ title: 'LightGBM', versions: ['3.3.5', '4.6.0'], bar: '1e-12', importFile: importLightgbm },
    toNumbers: (bytes) => new Float64Array(bytes),
  },
};

export const COLUMNS = ['grid', 'even', 'count', 'code', 'epoch', 'zeros', 'tail'];
const COLOURS = ['red', 'green', 'blue', 'cyan', 'green-blue', 'white', 'black', 'pink', 'gold', 'grey'];
const ROWS = 1000;
const STEP = 32;

/** xorshift32; each draw is a number in [0, 1). */
const createDraws = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

/** The rows of `make_rows(2, 1000, True)` in test/reference/boosting.py. */
const makeRows = (): number[][] => {
  const draw = createDraws(2);
  return Array.from({ length: ROWS }, () => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = COLUMNS.map(draw);
    const row = [
      Math.floor((a - 0.5) * 8 * STEP) / STEP,
      b * 10 - 5,
      Math.floor(c * 10),
      Math.floor(d * 26) / 2 - 1,
      1.7e9 + e * 1e8,
      f < 0.5 ? 0 : Math.floor((f - 0.75) * 8 * STEP) / STEP,
      1 / (g + 0.001),
    ];
    return row.map((value) => (draw() < 0.08 ? Number.NaN : value));
  });
};

const bytesOfText = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text, 'base64')).buffer;

export const rowsOf = ({ patches, clean }: BoostingCase): number[][] => {
  const rows = makeRows();
  const changes = new Float64Array(bytesOfText(patches));
  for (let at = 0; at < changes.length; at += 3) {
    const [row = 0, column = 0, value = 0] = changes.subarray(at, at + 3);
    const target = rows[row];
    if (target !== undefined) target[column] = value;
  }
  return clean ? rows.map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value))) : rows;
};

const textOfCode = (code: number): string => {
  if (Number.isNaN(code)) return '';
  return COLOURS[code] ?? 'none';
};

const columnOf = (rows: readonly number[][], column: number): number[] => rows.map((row) => row[column] ?? Number.NaN);

/** The inputs of a graph: all columns at once, or one input for each. */
const feedsOf = ({ frame }: BoostingCase, rows: readonly number[][]): Record<string, ort.Tensor> => {
  if (!frame) return { X: new ort.Tensor('float64', rows.flat(), [rows.length, COLUMNS.length]) };
  const shape = [rows.length, 1];
  return Object.fromEntries(
    COLUMNS.map((name, column) => {
      const values = columnOf(rows, column);
      if (name === 'code') return [name, new ort.Tensor('string', values.map(textOfCode), shape)];
      return [name, new ort.Tensor('float64', name === 'count' ? values.map((each) => each * 10) : values, shape)];
    }),
  );
};

export const readCases = async (library: Library, version: string): Promise<BoostingCase[]> => {
  const bytes = await readFile(join(FIXTURES, 'formats', library, version, 'cases.json.gz'));
  return JSON.parse(gunzipSync(bytes).toString());
};

export const readModel = async (library: Library, version: string, file: string): Promise<Buffer> =>
  gunzipSync(await readFile(join(FIXTURES, 'formats', library, version, file)));

/** The only output of a graph, for the rows of a case. */
export const runCase = async (onnx: Chunks, one: BoostingCase): Promise<Float32Array | Float64Array> => {
  const session = await ort.InferenceSession.create(Buffer.concat([...onnx]), { logSeverityLevel: 3 });
  const outputs = await session.run(feedsOf(one, rowsOf(one)));
  const [data] = Object.values(outputs).map((output) => output.data);
  await session.release();
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new Error(`${one.name}: the output is no float`);
};

/** The rows of a case: the largest difference of its numbers, of large ones by their share, and whether its labels are the same. */
const compare = (title: string, one: BoostingCase, actual: ArrayLike<number>, settings: Settings): ParityRow[] => {
  const rows: ParityRow[] = [];
  const { expected, labels } = one;
  if (expected !== undefined) {
    const numbers = settings.toNumbers(bytesOfText(expected));
    if (numbers.length !== actual.length) throw new Error(`${title}: ${actual.length} numbers for ${numbers.length}`);
    let worst = 0;
    for (const [index, want] of numbers.entries())
      worst = Math.max(worst, Math.abs((actual[index] ?? Number.NaN) - want) / Math.max(1, Math.abs(want)));
    const compared = labels === undefined ? 'values' : 'probabilities';
    rows.push({ model: title, inputs: ROWS, compared, worst: worst.toExponential(1), bar: settings.bar });
  }
  if (labels !== undefined) {
    const width = actual.length / ROWS;
    const others = labels.filter((label, row) => {
      const scores = Array.from({ length: width }, (_, index) => actual[row * width + index] ?? Number.NaN);
      return scores.indexOf(Math.max(...scores)) !== Number(label);
    }).length;
    const worst = others === 0 ? 'identical' : `${others} differ`;
    rows.push({ model: title, inputs: ROWS, compared: 'label', worst, bar: 'identical' });
  }
  return rows;
};

/** The labels of a case as indices of its classes. */
const withIndices = (one: BoostingCase, { config }: ImportedModel): BoostingCase => {
  if (one.labels === undefined) return one;
  const names = Object.values(Object(config).id2label);
  return { ...one, labels: one.labels.map((label) => String(names.indexOf(label))) };
};

const importPickle = (bytes: Buffer): ImportedModel => {
  const value = readPickle(bytes);
  return importPickledBooster(value) ?? importSklearn(value);
};

export interface BoostingModel {
  readonly one: BoostingCase;
  /** Library, version and file. */
  readonly title: string;
  readonly model: ImportedModel;
}

/** The imported models of all versions of a library. */
export async function* importModels(library: Library): AsyncGenerator<BoostingModel> {
  const { importFile, title, versions } = LIBRARIES[library];
  for (const version of versions)
    for (const one of await readCases(library, version)) {
      const bytes = await readModel(library, version, one.file);
      const model = one.file.endsWith('.pkl.gz') ? importPickle(bytes) : await importFile(bytes);
      yield { one, model, title: `${title} ${version}, ${one.file.replace('.gz', '')}` };
    }
}

/** The models of a library against its own `predict`, `predict_proba` and labels. */
export const measureBoosting = async (library: Library): Promise<ParityRow[]> => {
  const rows: ParityRow[] = [];
  for await (const { one, title, model } of importModels(library))
    rows.push(...compare(title, withIndices(one, model), await runCase(model.onnx, one), LIBRARIES[library]));
  return rows;
};
