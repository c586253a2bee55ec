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
import { type BoostingCase, bytesOfText, feedsOf, ROWS } from './boosting-rows.ts';
import type { ParityRow } from './parity-row.ts';

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

export const readCases = async (library: Library, version: string): Promise<BoostingCase[]> => {
  const bytes = await readFile(join(FIXTURES, 'formats', library, version, 'cases.json.gz'));
  return JSON.parse(gunzipSync(bytes).toString());
};

export const readModel = async (library: Library, version: string, file: string): Promise<Buffer> =>
  gunzipSync(await readFile(join(FIXTURES, 'formats', library, version, file)));

/** The only output of a graph, for the rows of a case. */
export const runCase = async (onnx: Chunks, one: BoostingCase): Promise<Float32Array | Float64Array> => {
  const session = await ort.InferenceSession.create(Buffer.concat([...onnx]), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const outputs = await session.run(feedsOf(one));
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
