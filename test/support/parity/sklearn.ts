import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { PyObject, type PyValue } from '../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { CITIES, FRAME_COLUMNS, makeRows, type RowSet } from '../formats/sklearn-rows.ts';
import { FIXTURES } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';

const FOLDER = path.join(FIXTURES, 'formats/sklearn');

/** Graphs compute in float64. */
const BAR = '1e-12';

/** Models whose library computes in float32, or adds up numbers that leave fewer digits. */
const WIDER_BARS: readonly (readonly [model: RegExp, bar: string])[] = [
  // scikit-learn computes the initial model in float32.
  [/^gradient boosting (regressor )?from a model$/, '1e-6'],
  // A probability is the sum of five numbers of up to 1,758, whose last binary digit is 2.3e-13.
  [/^Gaussian process classifier/, '1e-11'],
];

const barOf = (model: string): string => WIDER_BARS.find(([name]) => name.test(model))?.[1] ?? BAR;

/** Numbers as base64 of float64, labels as base64 of uint8, by output. */
interface Expected {
  readonly rows: RowSet;
  readonly outputs: Readonly<Record<string, string>>;
  /** True where numbers stand for each row, and not for sums of rows. */
  readonly isUnfolded?: boolean;
}

/** An output as rows of numbers. */
interface Output {
  readonly width: number;
  readonly values: readonly number[];
}

/** All columns as `X`, or each as an input of its own. */
const toFeeds = (rows: readonly number[][], inputs: readonly string[]): Record<string, ort.Tensor> => {
  if (inputs[0] === 'X')
    return { X: new ort.Tensor('float64', Float64Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]) };
  const toTensor = (name: string): ort.Tensor => {
    const column = rows.map((row) => row[FRAME_COLUMNS.indexOf(name)] ?? Number.NaN);
    if (name !== 'city') return new ort.Tensor('float64', Float64Array.from(column), [rows.length, 1]);
    const words = column.map((value) => CITIES[value] ?? '');
    return new ort.Tensor('string', words, [rows.length, 1]);
  };
  return Object.fromEntries(inputs.map((name) => [name, toTensor(name)]));
};

const runModel = async (model: PyValue, rows: readonly number[][]): Promise<ReadonlyMap<string, Output>> => {
  const bytes = Buffer.concat([...importSklearn(model).onnx]);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const results = Object.entries(await session.run(toFeeds(rows, session.inputNames)));
  await session.release();
  return new Map(results.map(([name, { data, dims }]) => [name, { width: dims[1] ?? 1, values: toNumbers(data) }]));
};

const toNumbers = (data: ort.Tensor['data']): number[] => {
  const values: number[] = [];
  for (const value of data) values.push(Number(value));
  return values;
};

const decode = (base64: string): number[] => {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return [...new Float64Array(bytes.buffer)];
};

/** The rows of the reference are added up eight by eight, the later ones of eight with larger weights. */
const FOLDED_ROWS = 8;

/** Column `column` of an output, `rows` rows added up like the reference. */
const foldColumn = ({ width, values }: Output, column: number, rows: number): number[] => {
  const all = values.filter((_, index) => index % width === column);
  if (rows === 1) return all;
  return Array.from({ length: all.length / FOLDED_ROWS }, (_, group) =>
    all
      .slice(group * FOLDED_ROWS, (group + 1) * FOLDED_ROWS)
      .reduce((sum, value, place) => sum + value * (1 + place / FOLDED_ROWS), 0),
  );
};

/** The difference of two numbers, by its share where they are large. A number that is missing in both is the same. */
const differenceOf = (value: number, expected: number): number => {
  if (Number.isNaN(value) && Number.isNaN(expected)) return 0;
  const difference = Math.abs(value - expected) / Math.max(1, Math.abs(expected));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
};

/** The largest difference from the reference. It leaves out the last of all probabilities, and the margin of the first of two classes. */
const compareNumbers = (name: string, output: Output, base64: string, rows: number): number => {
  const reference = decode(base64);
  const columns = reference.length / (output.values.length / output.width / rows);
  if (!Number.isInteger(columns) || columns > output.width) return Number.POSITIVE_INFINITY;
  const first = name.startsWith('margins') && columns === 1 ? output.width - 1 : 0;
  const differences = Array.from({ length: columns }, (_, column) =>
    foldColumn(output, first + column, rows).map((value, index) =>
      differenceOf(value, reference[index * columns + column] ?? Number.NaN),
    ),
  );
  const isShare = name.startsWith('probabilities') && columns === output.width - 1;
  return Math.max(...differences.flat(), isShare ? differenceFromOne(output) : 0);
};

/** How far the probabilities of a row are from 1 at most. */
const differenceFromOne = ({ width, values }: Output): number => {
  const sums = Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
  );
  return Math.max(...sums.map((sum) => differenceOf(sum, 1)));
};

const bestOf = ({ width, values }: Output): number[] =>
  Array.from({ length: values.length / width }, (_, row) => {
    const scores = values.slice(row * width, (row + 1) * width);
    return scores.indexOf(Math.max(...scores));
  });

/** Rows whose label differs. Without an output for it, the label is the best score. */
const compareLabels = (name: string, outputs: ReadonlyMap<string, Output>, base64: string): number => {
  const suffix = name.slice('label'.length);
  const scores = outputs.get(`probabilities${suffix}`) ?? outputs.get(`margins${suffix}`);
  const labels = outputs.get(name)?.values ?? (scores && bestOf(scores)) ?? [];
  const reference = [...Buffer.from(base64, 'base64')];
  if (labels.length !== reference.length) return reference.length;
  return reference.filter((label, index) => label !== labels[index]).length;
};

interface Comparison {
  /** The class of the estimator. */
  readonly name: string;
  readonly version: string;
  readonly compared: 'labels' | 'numbers';
  readonly bar: string;
  readonly inputs: number;
  /** The largest difference, or the number of labels that differ. */
  readonly worst: number;
}

const nameOf = (value: PyValue): string => (value instanceof PyObject ? value.type.name : '');

const compare = async (version: string, model: string, value: PyValue, expected: Expected): Promise<Comparison[]> => {
  const rows = makeRows(expected.rows);
  const outputs = await runModel(value, rows);
  const shared = { name: nameOf(value), version, inputs: rows.length };
  return Object.entries(expected.outputs).map(([name, base64]): Comparison => {
    if (name.startsWith('label'))
      return { ...shared, compared: 'labels', bar: 'identical', worst: compareLabels(name, outputs, base64) };
    const output = outputs.get(name);
    const worst =
      output === undefined
        ? Number.POSITIVE_INFINITY
        : compareNumbers(name, output, base64, expected.isUnfolded ? 1 : FOLDED_ROWS);
    return { ...shared, compared: 'numbers', bar: barOf(model), worst };
  });
};

/** The versions of scikit-learn that there are models of. */
export const readVersions = async (): Promise<string[]> => {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
};

/** The models of a version by name. */
export const readModels = async (version: string): Promise<ReadonlyMap<string, PyValue>> => {
  const models = readPickle(await readFile(path.join(FOLDER, version, 'models.joblib')));
  if (!(models instanceof Map)) throw new Error(`models.joblib of ${version} is no dict`);
  return new Map([...models].map(([name, model]) => [String(name), model]));
};

const compareVersion = async (version: string): Promise<Comparison[]> => {
  const content = gunzipSync(await readFile(path.join(FOLDER, version, 'expected.json.gz'))).toString();
  const all: Readonly<Record<string, Expected>> = JSON.parse(content);
  const comparisons: Comparison[] = [];
  for (const [model, value] of await readModels(version)) {
    const expected = all[model];
    if (expected === undefined) throw new Error(`${version}: no answers of ${model}`);
    comparisons.push(...(await compare(version, model, value, expected)));
  }
  return comparisons;
};

const toRow = (comparisons: readonly Comparison[]): ParityRow[] => {
  const [first] = comparisons;
  if (first === undefined) return [];
  const versions = new Set(comparisons.map(({ version }) => version)).size;
  const worst = Math.max(...comparisons.map((one) => one.worst));
  const { name, inputs, compared, bar } = first;
  return [
    {
      ...{ model: `${name} (${comparisons.length} in ${versions} versions)`, inputs, compared, bar },
      worst: compared === 'numbers' ? worst.toExponential(1) : worst === 0 ? bar : `${worst} differ`,
    },
  ];
};

/** Compares every model of every version with scikit-learn's own answers: rows by the class of the estimator, with the worst of all. */
export const measureSklearn = async (): Promise<ParityRow[]> => {
  const comparisons: Comparison[] = [];
  for (const version of await readVersions()) comparisons.push(...(await compareVersion(version)));
  const groups = Map.groupBy(comparisons, ({ name, compared, bar }) => `${name} ${compared} ${bar}`);
  return [...groups.values()].flatMap(toRow);
};
