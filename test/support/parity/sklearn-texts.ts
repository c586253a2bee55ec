import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { Estimator } from '../../../src/formats/sklearn/estimator.ts';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { readWordSettings } from '../../../src/formats/sklearn/text/word-settings.ts';
import { type ColumnSettings, columnsSchema } from '../../../src/media/table/table.ts';
import { createTerms } from '../../../src/media/text/words.ts';
import type { TableRow } from '../formats/table-rows.ts';
import { FIXTURES } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';
import { readTransformers, runGraph, runTransformer, VERSIONS, worstDifference } from './sklearn-transformers.ts';

const FOLDER = 'sklearn-text';
const NEWEST = '1.9.1';

interface Expected {
  /** The version whose outputs are the same. */
  readonly as?: string;
  readonly width?: number;
  /** A weighted sum of each row, and its first columns: float64[N,4], base64. Few columns stand alone. */
  readonly values?: string;
}

interface Reference {
  /** `predict_proba`, or `predict` of a regressor, for each row: float64, base64. */
  readonly predictors: Readonly<Record<string, { readonly columns: readonly string[]; readonly values: string }>>;
  readonly outputs: Readonly<Record<string, Expected>>;
  readonly texts: readonly string[];
  readonly samples: readonly string[];
  /** By vectorizer, for each of the samples. */
  readonly terms: Readonly<Record<string, readonly (readonly string[])[]>>;
}

const readReference = async (version: string): Promise<Reference> =>
  JSON.parse(gunzipSync(await readFile(join(FIXTURES, 'formats', FOLDER, `expected-${version}.json.gz`))).toString());

/** The columns that test/reference/sklearn_text.py keeps of an output [N,width]. */
const keep = (numbers: ArrayLike<number>, rows: number, width: number): number[] =>
  Array.from({ length: rows }, (_, row) => {
    const own = Array.from({ length: width }, (_column, column) => numbers[row * width + column] ?? Number.NaN);
    const sum = own.reduce((total, value, column) => total + value * Math.cos(column), 0);
    return width > 3 ? [sum, ...own.slice(0, 3)] : own;
  }).flat();

/** A row for each class: its worst case over all settings and versions. */
export const measureTexts = async (): Promise<ParityRow[]> => {
  const { outputs: newest, texts } = await readReference(NEWEST);
  const rows = texts.map((text) => ({ text }));
  const all: { readonly name: string; readonly worst: number }[] = [];
  for (const version of VERSIONS) {
    const models = await readTransformers(FOLDER, version);
    for (const [name, own] of Object.entries((await readReference(version)).outputs)) {
      const model = models.get(name);
      const { width = 0, values = '' } = own.as === undefined ? own : (newest[name] ?? {});
      if (model === undefined) throw new Error(`${version} has no model "${name}"`);
      const actual = await runTransformer(model, version, rows, ['text']);
      const expected = new Float64Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      all.push({ name, worst: worstDifference(keep(actual, rows.length, width), expected) });
    }
  }
  return [...Map.groupBy(all, ({ name }) => name.split(' ')[0] ?? name)].map(([model, own]) => ({
    model: `${model} (${new Set(own.map(({ name }) => name)).size} fits in ${VERSIONS.length} versions)`,
    inputs: rows.length,
    compared: 'transform',
    worst: Math.max(...own.map(({ worst }) => worst)).toExponential(1),
    bar: '1e-12',
  }));
};

/** Whole pipelines as they are imported, with the columns that config.json names: a row for each pipeline. */
export const measurePredictors = async (tableRows: readonly TableRow[]): Promise<ParityRow[]> => {
  const { texts } = await readReference(NEWEST);
  const rows = texts.map((text, index) => ({ ...tableRows[index], text, review: text }));
  const all: { readonly name: string; readonly worst: number }[] = [];
  for (const version of VERSIONS) {
    const models = await readTransformers(FOLDER, version);
    for (const [name, { columns, values }] of Object.entries((await readReference(version)).predictors)) {
      const model = models.get(name);
      if (model === undefined) throw new Error(`${version} has no model "${name}"`);
      const { onnx, config } = importSklearn(model);
      const settings = parseColumns(config);
      const outputs = await runGraph(Buffer.concat([...onnx]), settings, rows, [...columns, 'text']);
      const expected = new Float64Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      all.push({ name, worst: worstDifference(Object(outputs.probabilities ?? outputs.value), expected) });
    }
  }
  return [...Map.groupBy(all, ({ name }) => name)].map(([name, own]) => ({
    model: `${name} (${VERSIONS.length} versions)`,
    inputs: rows.length,
    compared: name.includes('regressor') ? 'predict' : 'predict_proba',
    worst: Math.max(...own.map(({ worst }) => worst)).toExponential(1),
    bar: '1e-12',
  }));
};

export const parseColumns = ({ columns }: Readonly<Record<string, unknown>>): ColumnSettings[] =>
  v.parse(columnsSchema, JSON.parse(JSON.stringify(columns)));

/** Texts whose terms differ from those of scikit-learn's own analyzer, by vectorizer. */
export const compareTerms = async (): Promise<
  readonly {
    readonly name: string;
    readonly text: string;
    readonly terms: readonly string[];
    readonly expected: readonly string[];
  }[]
> => {
  const { terms, samples } = await readReference(NEWEST);
  const models = await readTransformers(FOLDER, NEWEST);
  return Object.entries(terms).flatMap(([name, lists]) => {
    const model = models.get(name);
    if (model === undefined) throw new Error(`no model "${name}"`);
    const termsOf = createTerms(JSON.parse(JSON.stringify(readWordSettings(new Estimator(model, NEWEST)))));
    return samples.flatMap((text, index) => {
      const [own, expected] = [termsOf(text), lists[index] ?? []];
      return JSON.stringify(own) === JSON.stringify(expected) ? [] : [{ name, text, terms: own, expected }];
    });
  });
};
