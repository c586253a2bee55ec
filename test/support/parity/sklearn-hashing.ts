import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import { FIXTURES } from '../image-parity.ts';
import type { ParityRow } from './parity-row.ts';
import { parseColumns } from './sklearn-texts.ts';
import { readTransformers, runGraph, runTransformer, worstDifference } from './sklearn-transformers.ts';

const FOLDER = 'sklearn-hashing';
const NEWEST = '1.9.1';
const VERSIONS = [NEWEST, '1.7.2'];

interface Expected {
  /** The version whose outputs are the same. */
  readonly as?: string;
  /** float64, base64: a weighted sum of each row, or the label and the scores of a classifier. */
  readonly values?: string;
}

interface Reference {
  readonly outputs: Readonly<Record<string, Expected & { readonly width: number }>>;
  readonly predictors: Readonly<Record<string, Expected>>;
  readonly rows: readonly { readonly text: string; readonly review: string; readonly number: number }[];
}

const readHashingReference = async (version = NEWEST): Promise<Reference> =>
  JSON.parse(gunzipSync(await readFile(join(FIXTURES, 'formats', FOLDER, `expected-${version}.json.gz`))).toString());

const toDoubles = (base64 = ''): Float64Array =>
  new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** What test/reference/sklearn_hashing.py keeps of an output [rows,width]. */
const keep = (numbers: ArrayLike<number>, rows: number, width: number): number[] =>
  Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < width; column += 1) sum += (numbers[row * width + column] ?? 0) * Math.cos(column);
    return sum;
  });

const bestOf = (scores: ArrayLike<number>): number => Array.from(scores).indexOf(Math.max(...Array.from(scores)));

/** Scores behind the label of each row, which is that of the graph, or the best score. */
const withLabels = (outputs: Readonly<Record<string, unknown>>, rows: number): number[] => {
  const scores: Float64Array = Object(outputs.probabilities ?? outputs.margins);
  const labels = outputs.label === undefined ? undefined : Array.from(Object(outputs.label), Number);
  const width = scores.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const own = scores.subarray(row * width, (row + 1) * width);
    return [labels?.[row] ?? bestOf(own), ...own];
  }).flat();
};

const predict = async (
  model: Parameters<typeof importSklearn>[0],
  rows: Reference['rows'],
): Promise<ArrayLike<number>> => {
  const { onnx, config } = importSklearn(model);
  const columns = parseColumns(config);
  const names = columns.map(({ name }) => name);
  const outputs = await runGraph(Buffer.concat([...onnx]), columns, rows, names);
  return outputs.value === undefined ? withLabels(outputs, rows.length) : Object(outputs.value);
};

const PREFIX = 'predictor ';

const measureVersion = async (version: string): Promise<ReadonlyMap<string, number>> => {
  const newest = await readHashingReference();
  const { outputs, predictors } = await readHashingReference(version);
  const measured = new Map<string, number>();
  for (const [name, model] of await readTransformers(FOLDER, version)) {
    const predictor = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
    const find = (reference: Pick<Reference, 'outputs' | 'predictors'>) =>
      predictor === undefined ? reference.outputs[name] : reference.predictors[predictor];
    const own = find({ outputs, predictors });
    const { values } = (own?.as === undefined ? own : find(newest)) ?? {};
    const actual =
      predictor === undefined
        ? keep(
            await runTransformer(model, version, newest.rows, ['text']),
            newest.rows.length,
            outputs[name]?.width ?? 0,
          )
        : await predict(model, newest.rows);
    measured.set(predictor ?? `${name} `, worstDifference(actual, toDoubles(values)));
  }
  return measured;
};

/** A row for each class of the transformers, and for each pipeline: its worst case over all settings and versions. */
export const measureHashing = async (): Promise<ParityRow[]> => {
  const { rows } = await readHashingReference();
  const all: { readonly name: string; readonly worst: number; readonly isTransformer: boolean }[] = [];
  for (const version of VERSIONS)
    for (const [name, worst] of await measureVersion(version)) {
      const isTransformer = name.endsWith(' ');
      all.push({ name: isTransformer ? (name.split(' ')[0] ?? name) : `hashed texts, ${name}`, worst, isTransformer });
    }
  return [...Map.groupBy(all, ({ name }) => name)].map(([name, own]) => ({
    model: own[0]?.isTransformer
      ? `${name} (${own.length / VERSIONS.length} fits in ${VERSIONS.length} versions)`
      : `${name} (${VERSIONS.length} versions)`,
    inputs: rows.length,
    compared: own[0]?.isTransformer ? 'transform' : name.endsWith('Ridge') ? 'predict' : 'predict and scores',
    worst: Math.max(...own.map(({ worst }) => worst)).toExponential(1),
    bar: '1e-12',
  }));
};
