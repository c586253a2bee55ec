import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PyClass, PyObject, type PyValue } from '../../src/formats/pickle/values.ts';
import { COLUMNS } from '../../src/formats/sklearn/columns.ts';
import type { Conversion } from '../../src/formats/sklearn/conversion.ts';
import { Estimator } from '../../src/formats/sklearn/estimator.ts';
import { transpose } from '../../src/formats/sklearn/formulas.ts';
import type { Frame } from '../../src/formats/sklearn/frame.ts';
import { addInputs } from '../../src/formats/sklearn/inputs.ts';
import { addProducts } from '../../src/formats/sklearn/sparse-rows.ts';
import { TEXT } from '../../src/formats/sklearn/text.ts';
import { createGraph } from '../../src/onnx/graph-builder.ts';
import { integer } from '../../src/onnx/node.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const WORDS = ['awful', 'film', 'good', 'not good'];

const toObject = (path: string, state: Readonly<Record<string, PyValue>>): PyObject => {
  const [name = '', ...module] = path.split('.').reverse();
  const object = new PyObject(new PyClass(module.reverse().join('.'), name));
  object.state = new Map(Object.entries(state));
  return object;
};

const VECTORIZER = toObject('sklearn.feature_extraction.text.CountVectorizer', {
  ...{ analyzer: 'word', ngram_range: [1, 2], lowercase: true, strip_accents: null, input: 'content', binary: false },
  ...{ preprocessor: null, tokenizer: null, stop_words: ['the'], token_pattern: '(?u)\\b\\w\\w+\\b' },
  vocabulary_: new Map(WORDS.map((word, index) => [word, index])),
});

/** A transformer of two columns: a number as it is, and a text. */
const MIXED = toObject('sklearn.compose._column_transformer.ColumnTransformer', {
  n_features_in_: 2,
  feature_names_in_: ['price', 'the review'],
  transformers_: [
    ['number', 'passthrough', ['price']],
    ['text', VECTORIZER, 'the review'],
  ],
});

/** Settings of a HashingVectorizer of so many columns. */
const hashing = (columns: number): PyObject =>
  toObject('sklearn.feature_extraction.text.HashingVectorizer', {
    ...{ analyzer: 'word', ngram_range: [1, 1], lowercase: true, strip_accents: null, input: 'content', binary: false },
    ...{ preprocessor: null, tokenizer: null, stop_words: null, token_pattern: '(?u)\\b\\w\\w+\\b' },
    ...{ n_features: columns, alternate_sign: true, norm: null, dtype: 'float64' },
  });

/** More columns than a row with its zeros may have. */
const MANY = 2 ** 17;

/** Weights of `good` and `film` by their hashes in scikit-learn: 115441729 and -103666345. */
const HASHED_WEIGHTS = Array.from({ length: MANY }, (_, column) =>
  column === 115441729 % MANY ? 2 : column === 103666345 % MANY ? 0.5 : 0,
);

/** The output of a graph beside the scores: none, or the index of the class with the least score. */
type Label = 'none' | 'least';

/** A graph of a transformer with one linear layer on top, float64[N,outputs]; `isProbable` adds softmax. */
const build = (
  root: PyObject,
  weights: readonly number[],
  outputs: number,
  isProbable: boolean,
  label: Label = 'none',
) => {
  const graph = createGraph();
  const { frame, columns } = addInputs(graph, new Estimator(root, '1.7.2'));
  const converters = { ...TEXT, ...COLUMNS };
  const conversion: Conversion = {
    graph,
    convert: (each, part) => converters[each.name]?.(each, part, conversion) ?? {},
  };
  const made: Frame = conversion.convert(new Estimator(root, '1.7.2'), frame).frame ?? [];
  const layer = { rows: weights.length / outputs, columns: outputs, values: Float64Array.from(weights) };
  const scores = addProducts(graph, made, transpose(layer));
  const name = isProbable ? 'probabilities' : 'value';
  graph.output(name, isProbable ? graph.op('Softmax', [scores]) : scores, 'float64', ['N', outputs]);
  const index = { axis: integer(1), keepdims: integer(0) };
  if (label === 'least') graph.output('label', graph.op('ArgMin', [scores], index), 'int64', ['N']);
  return { onnx: Buffer.concat([...graph.toModel()]), columns };
};

let serving: TestServing;
let folder: string;

const push = async (
  model: string,
  { onnx, columns }: ReturnType<typeof build>,
  config: Readonly<Record<string, unknown>>,
) => {
  const directory = join(folder, model);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.onnx'), onnx);
  await writeFile(join(directory, 'config.json'), JSON.stringify({ columns, ...config }));
  return pushModel(serving.repository, directory, { name: model });
};

const ask = async (model: string, body: unknown, type = 'application/json') => {
  const response = await serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: JSON.parse(await response.text()) };
};

const OPINION = { pipeline_tag: 'text-classification', id2label: { 0: 'bad', 1: 'good' } };
const TWO_CLASSES = build(VECTORIZER, [2, 0, 0, 0, 0, 1, 3, 0], 2, true);

beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'terms-'));
  await push('opinion', TWO_CLASSES, OPINION);
  const mixed = build(MIXED, [0, 0.5, 2, 0, 0, 0, 0, 1, 3, 0], 2, true);
  await push('mixed', mixed, { ...OPINION, pipeline_tag: 'tabular-classification' });
  await push('nearest', build(VECTORIZER, [0, 2, 1, 0, 3, 0, 0, 0], 2, false, 'least'), OPINION);
  await push('hashed', build(hashing(MANY), HASHED_WEIGHTS, 1, false), { pipeline_tag: 'tabular-regression' });
  await push('stars', build(VECTORIZER, [-2, 0.5, 1, -3], 1, false), { pipeline_tag: 'tabular-regression' });
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

describe('a classifier of terms', () => {
  it('answers a text as a transformer does', async () => {
    const { status, answer } = await ask('opinion', { inputs: 'The FILM is good!' });
    expect(status).toBe(200);
    expect(answer).toEqual([
      [
        { label: 'good', score: expect.closeTo(sigmoid(1), 12) },
        { label: 'bad', score: expect.closeTo(sigmoid(-1), 12) },
      ],
    ]);
    expect((await ask('opinion', 'The FILM is good!', 'text/plain')).answer).toEqual(answer);
  });

  it('answers a list, in which no text changes the answer of another', async () => {
    const texts = ['awful', '', 'not the good', `${'word '.repeat(4_000)}good`, '北京 😀'];
    const { answer } = await ask('opinion', { inputs: texts, parameters: { top_k: 1 } });
    const alone = [];
    for (const text of texts) alone.push((await ask('opinion', { inputs: text, parameters: { top_k: 1 } })).answer[0]);
    expect(answer).toEqual(alone);
    expect(answer.map((labels: { label: string }[]) => labels[0]?.label)).toEqual(['bad', 'bad', 'bad', 'good', 'bad']);
  });

  it('answers the label of the graph first, such as the nearest class', async () => {
    const { answer } = await ask('nearest', { inputs: ['good film', 'awful', 'awful film'] });
    expect(answer).toEqual([
      [
        { label: 'good', score: 0 },
        { label: 'bad', score: 4 },
      ],
      [
        { label: 'bad', score: 0 },
        { label: 'good', score: 2 },
      ],
      [
        { label: 'bad', score: 1 },
        { label: 'good', score: 2 },
      ],
    ]);
  });

  it('refuses what has no meaning for it', async () => {
    expect(await ask('opinion', { inputs: 'a', parameters: { function_to_apply: 'none' } })).toMatchObject({
      status: 400,
    });
    expect(await ask('opinion', { inputs: { text: 'a', text_pair: 'b' } })).toMatchObject({ status: 422 });
  });
});

describe('a table with a text', () => {
  it('is classified by its text and its numbers', async () => {
    const rows = [
      { price: 4, 'the review': 'good' },
      { price: 0, 'the review': 'not good' },
      { price: 1, 'the review': null },
    ];
    const { answer } = await ask('mixed', { inputs: rows });
    const scores = answer.map(
      (labels: { label: string; score: number }[]) => labels.find(({ label }) => label === 'good')?.score,
    );
    expect(scores).toEqual([3, -2, 0.5].map((margin) => expect.closeTo(sigmoid(margin), 12)));
    const csv = await ask('mixed', 'price,the review\n4,good\n0,"not, good"\n1,\n', 'text/csv');
    expect(csv.answer).toHaveLength(3);
    expect(csv.answer[0]).toEqual(answer[0]);
    expect(csv.answer[2]).toEqual(answer[2]);
  });

  it('of one text gives a number', async () => {
    expect(await ask('stars', { inputs: [['good film'], ['awful'], ['']] })).toEqual({
      status: 200,
      answer: [1.5, -2, 0],
    });
    expect(await ask('stars', { inputs: [{ text: 'not the good' }] })).toEqual({ status: 200, answer: [-2] });
  });

  it('of hashed terms gives a number, with a weight for each column that a text has', async () => {
    expect(await ask('hashed', { inputs: [['Good film'], [''], ['good good 😀 film'], ['film']] })).toEqual({
      status: 200,
      answer: [1.5, 0, 3.5, -0.5],
    });
  });

  it('with one text that is too long refuses its row', async () => {
    const long = Array.from({ length: 300_000 }, () => 'go').join(' ');
    expect(await ask('stars', { inputs: [['good'], [long]] })).toMatchObject({ status: 413 });
  });
});

const HASHING = { n_features: 8, alternate_sign: true, binary: false, norm: 'l2', dtype: 'float64' };

describe('push', () => {
  const [text] = TWO_CLASSES.columns;
  const refusals: readonly (readonly [
    string,
    readonly unknown[] | undefined,
    Readonly<Record<string, unknown>>,
    RegExp,
  ])[] = [
    ['several columns', [text, { name: 'price' }], OPINION, /no single text with "tokens"/],
    [
      'another input',
      [{ ...text, tokens: { other: text?.tokens?.text } }],
      OPINION,
      /gives terms to the input "other" string\[N,terms\], and the graph has none/,
    ],
    [
      'hashes for an input of terms',
      [{ ...text, tokens: { text: { ...text?.tokens?.text, hashing: HASHING } } }],
      OPINION,
      /gives terms to the input "text" float64\[N,terms,2\], and the graph has string/,
    ],
    [
      'a wrong pattern',
      [{ name: 'text', tokens: { text: { ...text?.tokens?.text, token_pattern: '(' } } }],
      OPINION,
      /no regular expression/,
    ],
    [
      'three labels',
      undefined,
      { ...OPINION, id2label: { 0: 'a', 1: 'b', 2: 'c' } },
      /has 2 classes, "id2label" in config.json names 3/,
    ],
    [
      'an unknown kind of scores',
      undefined,
      { ...OPINION, scores: 'ranks' },
      /"scores" in config.json is "ranks", expected one of probabilities, margins/,
    ],
    [
      'a text with categories',
      [{ ...text, categories: ['a'] }],
      { ...OPINION, pipeline_tag: 'tabular-classification' },
      /has categories and tokens/,
    ],
  ];
  it.each(refusals)('refuses %s', async (_, columns, config, problem) => {
    await expect(push('refused', TWO_CLASSES, { ...config, ...(columns && { columns }) })).rejects.toThrow(problem);
  });

  it('refuses hashed terms where a step needs rows with all columns, and there are too many of them', () => {
    const graph = createGraph();
    const root = new Estimator(hashing(MANY), '1.7.2');
    const { frame } = addInputs(graph, root);
    const [block] = TEXT.HashingVectorizer?.(root, frame, { graph, convert: () => ({}) }).frame ?? [];
    expect(() => block?.value).toThrow(
      /makes 131072 columns, .* of which 65536 are taken: .*n_features=2\*\*16 or fewer/,
    );
  });

  it('describes the text for people', () => {
    expect(TWO_CLASSES.columns).toEqual([
      {
        name: 'text',
        optional: true,
        tokens: {
          text: {
            ...{ analyzer: 'word', ngram_range: [1, 2], lowercase: true, stop_words: ['the'] },
            token_pattern: expect.any(String),
          },
        },
      },
    ]);
  });
});
