import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { importSklearn } from '../../src/formats/sklearn/import-sklearn.ts';
import type { RowLabel } from '../../src/tasks/tabular-classification/answer.ts';
import { CITIES, FRAME_COLUMNS, makeRows, type RowSet } from '../support/formats/sklearn-rows.ts';
import { readModels } from '../support/parity/sklearn.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const VERSION = '1.9.1';
const ROWS = 200;

/** Labels as base64 of uint8, the index of a class: `label`, or `label_0`, … of several targets. */
interface Expected {
  readonly rows: RowSet;
  readonly outputs: Readonly<Record<string, string>>;
}

interface Config {
  readonly columns: readonly { readonly name: string }[];
  readonly problem_type?: string;
  readonly scores?: string;
  readonly id2label?: Readonly<Record<string, string>>;
  readonly targets?: readonly { readonly id2label: Readonly<Record<string, string>> }[];
}

const content = gunzipSync(await readFile(`test/fixtures/formats/sklearn/${VERSION}/expected.json.gz`)).toString();
const references = JSON.parse(content) as Readonly<Record<string, Expected>>;
const models = [...(await readModels(VERSION))]
  .map(([name, value]) => [name, importSklearn(value)] as const)
  .filter(([, { config }]) => config.pipeline_tag === 'tabular-classification');

let serving: TestServing;
let root: string;
beforeAll(async () => {
  serving = await createTestServing();
  root = await mkdtemp(join(tmpdir(), 'imported-'));
});
afterAll(async () => {
  await serving.remove();
  await rm(root, { recursive: true });
});

const rowsOf = ({ rows }: Expected, { columns }: Config): unknown[] =>
  makeRows(rows)
    .slice(0, ROWS)
    .map((row) =>
      Object.fromEntries(
        columns.map(({ name }, index) => {
          const value = rows === 'frame' ? row[FRAME_COLUMNS.indexOf(name)] : row[index];
          return [name, name === 'city' ? CITIES[value ?? 0] : Number.isNaN(value) ? null : value];
        }),
      ),
    );

/** The labels of each row: of its only target, of several, or 0 and 1 for each of several labels. */
const labelsOf = ({ outputs }: Expected, { id2label = {}, targets, problem_type }: Config): string[][] => {
  const read = (name: string): number[] => [...Buffer.from(outputs[name] ?? '', 'base64')];
  const [label, byTarget] = [read('label'), targets?.map((_, index) => read(`label_${index}`)) ?? []];
  const width = Object.keys(id2label).length;
  return Array.from({ length: ROWS }, (_, row) => {
    if (targets !== undefined) return targets.map((each, index) => each.id2label[byTarget[index]?.[row] ?? -1] ?? '?');
    if (problem_type === undefined) return [id2label[label[row] ?? -1] ?? '?'];
    return label.slice(row * width, (row + 1) * width).map(String);
  });
};

const predictedOf = (
  answer: readonly RowLabel[] | readonly (readonly RowLabel[])[],
  { targets, problem_type }: Config,
) => {
  if (targets !== undefined) return (answer as RowLabel[][]).map(([first]) => first?.label);
  const labels = answer as RowLabel[];
  if (problem_type === undefined) return [labels[0]?.label];
  return [...labels].sort((a, b) => Number(a.label) - Number(b.label)).map(({ predicted }) => (predicted ? '1' : '0'));
};

it.each(models)('imported and pushed, %s answers the labels of scikit-learn', async (name, { onnx, config }) => {
  const folder = join(root, name.replaceAll(/\W+/g, '-'));
  await mkdir(folder);
  await writeFile(join(folder, 'model.onnx'), Buffer.concat([...onnx]));
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const model = `m${models.findIndex(([each]) => each === name)}`;
  await pushModel(serving.repository, folder, { name: model, bake: false });

  const expected = references[name];
  if (expected === undefined) throw new Error(`no answers of ${name}`);
  const settings = config as unknown as Config;
  const response = await serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: rowsOf(expected, settings) }),
  });
  const answer = (await response.json()) as never;
  expect({ status: response.status, answer }).toMatchObject({ status: 200 });
  expect((answer as RowLabel[][]).map((each) => predictedOf(each, settings))).toEqual(labelsOf(expected, settings));
});
