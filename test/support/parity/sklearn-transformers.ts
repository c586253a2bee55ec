import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { PyObject } from '../../../src/formats/pickle/values.ts';
import type { TableColumn } from '../../../src/formats/sklearn/inputs.ts';
import { type Row, readRows } from '../../../src/media/table/rows.ts';
import { toFeeds } from '../../../src/media/table/steps.ts';
import { createTable, type Table } from '../../../src/media/table/table.ts';
import { convertTransformer, openGraph, signatureOfSession } from '../formats/sklearn-graph.ts';
import type { TableValue } from '../formats/table-rows.ts';
import { FIXTURES } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';

export const VERSIONS = ['1.0.2', '1.1.3', '1.3.2', '1.7.2', '1.9.1'];

const BAR = 1e-12;

/** What a transformer of test/reference makes of the rows: numbers, or texts. */
interface Expected {
  readonly columns: readonly string[];
  /** The version whose outputs are the same. */
  readonly as?: string;
  readonly width?: number;
  /** float64[N,width], base64. */
  readonly values?: string;
  readonly texts?: readonly string[];
}

/** Expectations of the version whose outputs others share. */
const shared = new Map<string, Promise<ReadonlyMap<string, Expected>>>();

const readShared = (folder: string, version: string): Promise<ReadonlyMap<string, Expected>> => {
  const key = `${folder}/${version}`;
  const found = shared.get(key) ?? readExpected(folder, version);
  shared.set(key, found);
  return found;
};

const readExpected = async (folder: string, version: string): Promise<ReadonlyMap<string, Expected>> => {
  const bytes = await readFile(join(FIXTURES, 'formats', folder, `expected-${version}.json.gz`));
  const parsed: Record<string, Expected> = JSON.parse(gunzipSync(bytes).toString());
  return new Map(Object.entries(parsed));
};

/** The fitted transformers of a version, by the name of their fixture. */
export const readTransformers = async (folder: string, version: string): Promise<ReadonlyMap<string, PyObject>> => {
  const value = readPickle(await readFile(join(FIXTURES, 'formats', folder, `${version}.joblib`)));
  if (!(value instanceof Map)) throw new Error('no models');
  return new Map(
    [...value].flatMap(([name, model]) => (model instanceof PyObject ? [[String(name), model] as const] : [])),
  );
};

/** The rows as the table of the model takes them. A boolean is a number where the model does not tell. */
export const toTableRows = (
  rows: readonly Readonly<Record<string, TableValue>>[],
  names: readonly string[],
  columns: readonly TableColumn[],
  table: Table,
): Row[] => {
  const hasNames = columns.every(({ name }) => names.includes(name));
  const dtypes = new Map(table.columns.map(({ name, dtype }) => [name, dtype]));
  const cellOf = (row: Readonly<Record<string, TableValue>>, name: string, column: string): TableValue => {
    const value = row[name] ?? null;
    return typeof value === 'boolean' && dtypes.get(column) === 'float64' ? Number(value) : value;
  };
  const data = rows.map((row) =>
    hasNames
      ? Object.fromEntries(columns.map(({ name }) => [name, cellOf(row, name, name)]))
      : names.map((name, index) => cellOf(row, name, columns[index]?.name ?? '')),
  );
  return readRows(data, table);
};

const differenceOf = (actual: number, expected: number): number => {
  if (Object.is(actual, expected) || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  const difference = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
};

/** The largest difference of two lists of numbers, of large ones by their share; infinite for lists of other lengths. */
export const worstDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let index = 0; index < expected.length; index += 1)
    worst = Math.max(worst, differenceOf(actual[index] ?? Number.NaN, expected[index] ?? Number.NaN));
  return worst;
};

/** The outputs of a transformer for rows, as a request would have them. `names` are the columns of rows without names. */
export const runTransformer = async (
  model: PyObject,
  version: string,
  rows: readonly Readonly<Record<string, TableValue>>[],
  names: readonly string[],
): Promise<ArrayLike<number>> => {
  const { model: bytes, columns } = convertTransformer(model, version);
  const session = await openGraph(bytes);
  const table = createTable([...columns].map(toSettings), signatureOfSession(session));
  const feeds = Object.entries(toFeeds(toTableRows(rows, names, columns, table), table)).map(
    ([name, { dtype, data, shape }]) => [name, new ort.Tensor(dtype, Object(data), shape)] as const,
  );
  const { Y } = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object(Y?.data);
};

/** The largest difference of a transformer's outputs from scikit-learn's own. */
const compare = async (
  model: PyObject,
  version: string,
  rows: readonly Readonly<Record<string, TableValue>>[],
  { columns: names, values = '', texts }: Expected,
): Promise<number> => {
  const actual = await runTransformer(model, version, rows, names);
  if (texts !== undefined)
    return texts.every((text, index) => Object.is(text, actual[index])) ? 0 : Number.POSITIVE_INFINITY;
  return worstDifference(actual, new Float64Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer));
};

const toSettings = ({ name, optional, categories, tokens }: TableColumn) => ({
  name,
  ...(optional && { optional }),
  ...(categories && { categories: [...categories] }),
  ...(tokens && { tokens: JSON.parse(JSON.stringify(tokens)) }),
});

/** How far every transformer of a version is from scikit-learn's own outputs, by the name of the fixture. */
export const measureVersion = async (
  folder: string,
  version: string,
  rows: readonly Readonly<Record<string, TableValue>>[],
): Promise<ReadonlyMap<string, number>> => {
  const models = await readTransformers(folder, version);
  const measured = new Map<string, number>();
  for (const [name, own] of await readExpected(folder, version)) {
    const each = own.as === undefined ? own : { ...(await readShared(folder, own.as)).get(name), ...own };
    const model = models.get(name);
    if (model === undefined) throw new Error(`${version} has no model "${name}"`);
    measured.set(name, await compare(model, version, rows, each));
  }
  return measured;
};

/** A row for each class: its worst case over all settings and versions. */
export const measureTransformers = async (
  folder: string,
  rows: readonly Readonly<Record<string, TableValue>>[],
): Promise<ParityRow[]> => {
  const all: { readonly name: string; readonly version: string; readonly worst: number }[] = [];
  for (const version of VERSIONS)
    for (const [name, worst] of await measureVersion(folder, version, rows)) all.push({ name, version, worst });
  return [...Map.groupBy(all, ({ name }) => name.split(' ')[0] ?? name)].map(([model, own]) => ({
    model: `${model} (${new Set(own.map(({ name }) => name)).size} fits in ${new Set(own.map(({ version }) => version)).size} versions)`,
    inputs: rows.length,
    compared: 'transform',
    worst: Math.max(...own.map(({ worst }) => worst)).toExponential(1),
    bar: String(BAR),
  }));
};
