import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RowLabel } from '../../src/tasks/tabular-classification/answer.ts';
import { decodeFloats, readJson } from '../support/image-parity.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

/** Made by test/reference/classifiers.py with scikit-learn and skl2onnx. */
const FOLDER = 'test/fixtures/classifiers';
const COLUMNS = 4;

interface Case {
  readonly model: string;
  /** What scikit-learn predicts: a label for each row, or a list of labels, or of 0 and 1 for each label. */
  readonly labels: readonly (string | readonly string[])[];
  /** Numbers of a row. */
  readonly width: number;
  readonly scores: string;
}

interface Reference {
  readonly rows: string;
  readonly cases: readonly Case[];
}

const { rows: encoded, cases } = (await readJson(`${FOLDER}/expected.json`)) as Reference;
const chunk = (numbers: Float32Array, width: number): number[][] =>
  Array.from({ length: numbers.length / width }, (_, row) => [...numbers.subarray(row * width, (row + 1) * width)]);
const rows = chunk(decodeFloats(encoded), COLUMNS);

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
});
afterAll(() => serving.remove());

const ask = async (model: string, inputs: unknown = rows): Promise<never> => {
  const response = await serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${model}: ${JSON.stringify(answer)}`);
  return answer as never;
};

const push = (model: string, name = model) => pushModel(serving.repository, `${FOLDER}/${model}`, { name });

/** The lists of labels of a row: one, or one for each target. */
const listsOf = (answer: readonly (RowLabel | readonly RowLabel[])[]): (readonly RowLabel[])[] =>
  Array.isArray(answer[0]) ? (answer as RowLabel[][]) : [answer as RowLabel[]];

/** The labels that the answer predicts, in the form of scikit-learn's `predict`. */
const predicted = (answer: readonly (RowLabel | readonly RowLabel[])[]): string | string[] => {
  const lists = listsOf(answer);
  const [first = []] = lists;
  if (lists.length > 1) return lists.map(([best]) => best?.label ?? '');
  if (first[0]?.predicted === undefined) return first[0]?.label ?? '';
  return [...first].sort((a, b) => a.label.localeCompare(b.label)).map((each) => (each.predicted ? '1' : '0'));
};

/** All scores of a row, least first, so that they need no names. */
const scoresOf = (answer: readonly (RowLabel | readonly RowLabel[])[]): number[] =>
  listsOf(answer)
    .flat()
    .flatMap(({ score }) => (score === undefined ? [] : [score]))
    .sort((a, b) => a - b);

const worst = (actual: readonly number[], expected: readonly number[]): number =>
  Math.max(
    0,
    ...actual.map((score, index) => Math.abs(score - (expected[index] ?? Number.NaN)) / Math.max(1, Math.abs(score))),
  );

describe('graphs of skl2onnx against scikit-learn', () => {
  it.each(cases)(
    '$model predicts the labels of scikit-learn, with its scores',
    async ({ model, labels, width, scores }) => {
      await push(model);
      const answers = (await ask(model)) as (readonly (RowLabel | readonly RowLabel[])[])[];
      expect(answers.map(predicted)).toEqual(labels);

      const expected = chunk(decodeFloats(scores), width);
      const differences = answers.map((answer, row) => {
        const own = scoresOf(answer);
        const reference = own.length === 0 ? [] : [...(expected[row] ?? [])].sort((a, b) => a - b);
        return own.length === reference.length ? worst(own, reference) : Number.POSITIVE_INFINITY;
      });
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    },
  );
});

describe('answers of classifiers', () => {
  const answersOf = async (model: string, inputs: unknown = rows): Promise<RowLabel[][]> =>
    (await ask(model, inputs)) as RowLabel[][];

  it('have the nearest cluster first', async () => {
    for (const answer of await answersOf('k-means')) {
      const distances = answer.map(({ score }) => score ?? Number.NaN);
      expect(distances).toEqual([...distances].sort((a, b) => a - b));
    }
  });

  it('have one label of an outlier detector, with a negative score for outliers', async () => {
    const answers = await answersOf('isolation-forest');
    expect(new Set(answers.map(([first]) => first?.label))).toEqual(new Set(['-1', '1']));
    for (const [first, ...others] of answers) {
      expect(others).toEqual([]);
      expect((first?.score ?? 0) < 0).toBe(first?.label === '-1');
    }
  });

  it('have the predicted label first, and with top_k alone', async () => {
    const answers = await answersOf('svc-probabilities');
    const isBest = answers.map(([first, second]) => (first?.score ?? 0) >= (second?.score ?? 0));
    expect(new Set(isBest)).toEqual(new Set([true, false]));
    const response = await serving.fetch('/models/svc-probabilities?top_k=1', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: rows }),
    });
    expect(await response.json()).toEqual(answers.map(([first]) => [first]));
  });

  it('have the label alone where the graph has no score for each class', async () => {
    expect(await answersOf('svc-pairs', [0, 0, 0, 0])).toEqual([[{ label: expect.stringMatching(/^[abcd]$/) }]]);
  });

  it('have a list for each target, and all labels of a model with several', async () => {
    expect(await ask('targets-of-texts', [3, 0, 0, 0])).toEqual([
      [
        [expect.objectContaining({ label: 'yes' }), expect.objectContaining({ label: 'no' })],
        expect.arrayContaining(['a', 'b', 'c', 'd'].map((label) => ({ label, score: expect.any(Number) }))),
      ],
    ]);
    expect(await ask('labels-network', [3, 3, 3, 3])).toEqual([
      expect.arrayContaining(
        ['a', 'b', 'c'].map((label) => ({ label, score: expect.any(Number), predicted: expect.any(Boolean) })),
      ),
    ]);
  });
});

describe('a push of a classifier', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'classifier-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const pushChanged = async (model: string, config: Readonly<Record<string, unknown>>) => {
    await cp(`${FOLDER}/${model}`, folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ pipeline_tag: 'tabular-classification', ...config }));
    return pushModel(serving.repository, folder, { name: 'changed', dryRun: true });
  };

  it.each([
    ['linear-svc', 'margins of a decision function'],
    ['svc', 'margins of a decision function'],
    ['k-means', 'scores are distances'],
    ['one-class-svm', 'negative for outliers'],
    ['svc-probabilities', 'not the one with the best score'],
    ['targets-of-texts', 'an output for each target'],
  ])('of %s says "%s"', async (model, note) => {
    const { notes } = await pushModel(serving.repository, `${FOLDER}/${model}`, { name: 'noted', dryRun: true });
    expect(notes).toContainEqual(expect.stringContaining(note));
  });

  it('of a classifier with probabilities says nothing', async () => {
    const { notes } = await pushModel(serving.repository, `${FOLDER}/floats`, { name: 'noted', dryRun: true });
    expect(notes).toEqual([]);
  });

  it.each<[string, string, Record<string, unknown>, RegExp]>([
    ['svc-pairs', 'scores of pairs of classes', {}, /has 6 classes.* names 4.*"scores": "label"/],
    ['labels-of-margins', 'labels against its margins', {}, /a margin above 0 sets a label.*"label": "none"/],
    ['sgd-numbers', 'classes without names', {}, /gives .*3.*its classes are 0, 1, 2.*"id2label"/],
    ['svc-four', 'another number of labels', { id2label: { 0: 'a', 1: 'b' } }, /has 4 classes.* names 2/],
    ['k-means', 'unknown scores', { scores: 'nearness' }, /"scores" in config\.json is "nearness", expected one of/],
    ['k-means', 'an unknown label', { label: 'name' }, /"label" in config\.json is "name", expected one of/],
    ['forest-of-targets', 'targets that are no list', { targets: 3 }, /"targets" in config\.json are no list/],
    [
      'forest-of-targets',
      'a target too few',
      { targets: [{ id2label: { 0: '0', 1: '1' } }] },
      /scores of 3 targets, "targets" in config\.json names 1/,
    ],
    ['forest-of-uneven-targets', 'targets without names', {}, /gives .*its classes are 0, 1, 2/],
  ])('%s is refused for %s', async (model, _what, config, message) => {
    await expect(pushChanged(model, config)).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
