import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeModel } from '../../src/openapi/described-model.ts';
import { createDocument } from '../../src/openapi/document.ts';
import { createTestServing, pushNamed, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

const PHOTO = (await readFile(`${SAMPLE_FOLDER}/samples/coffee.jpg`)).toString('base64');
const FLOWERS = {
  'sepal length (cm)': [5.1, 6.7],
  'sepal width (cm)': [3.5, 3],
  'petal length (cm)': ['1.4', '5.2'],
  'petal width (cm)': [0.2, 2.3],
};
const LONG = 'word '.repeat(2_000);

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['efficientnet-lite0', 'iris', 'tabular-ridge', 'tiny-bert-sentences', 'tiny-marian'])
    await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const ask = async <Answer>(model: string, document: unknown): Promise<{ status: number; answer: Answer }> => {
  const headers = { 'content-type': 'application/json' };
  const response = await serving.fetch(`/models/${model}`, { method: 'POST', body: JSON.stringify(document), headers });
  return { status: response.status, answer: (await response.json()) as Answer };
};

it('compares texts by the cosines of their vectors', async () => {
  const sentences = ['A sentence.', 'Quite another one.'];
  const compared = await ask<number[]>('tiny-bert-sentences', {
    inputs: { source_sentence: 'A sentence.', sentences },
  });
  const { answer: vectors } = await ask<number[][]>('tiny-bert-sentences', { inputs: sentences });
  const [one = [], other = []] = vectors;
  const cosine = one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
  expect(compared).toEqual({ status: 200, answer: [expect.closeTo(1, 5), expect.closeTo(cosine, 5)] });
});

it.each([
  ['tiny-bert-sentences', { source_sentence: 'A sentence.', sentences: ['A sentence.', 'Another one.'] }],
  ['iris', { table: FLOWERS }],
])('%s takes what stands in the place of inputs, as huggingface_hub 0.28 sends it', async (model, instead) => {
  const answer = await ask(model, { inputs: instead });
  expect(answer).toMatchObject({ status: 200, answer: [expect.anything(), expect.anything()] });
  expect(await ask(model, { inputs: null, parameters: {}, ...instead })).toEqual(answer);
  expect(await ask(model, instead)).toEqual(answer);
});

it.each([
  ['tiny-bert-sentences', { prompt_name: null }],
  ['tiny-marian', { src_lang: null, tgt_lang: null }],
])('%s takes null for a parameter that is left out', async (model, parameters) => {
  const answer = await ask(model, { inputs: 'A sentence.' });
  expect(answer.status).toBe(200);
  expect(await ask(model, { inputs: 'A sentence.', parameters })).toEqual(answer);
});

it('answers a number for the best label of each row when it is asked to', async () => {
  const numbers = { inputs: { data: FLOWERS }, parameters: { label_numbers: true } };
  expect(await ask('iris', numbers)).toEqual({ status: 200, answer: [0, 2] });
  const wrong = { inputs: { data: FLOWERS }, parameters: { label_numbers: 1 } };
  expect(await ask('iris', wrong)).toMatchObject({ status: 400, answer: { code: 'INVALID_REQUEST' } });
});

describe('with clients=javascript', () => {
  let other: TestServing;
  beforeAll(async () => {
    other = await createTestServing({}, { clients: 'javascript' });
    for (const name of ['iris', 'tiny-bert-ner']) await pushNamed(other.repository, name);
  });
  afterAll(() => other.remove());

  const answerTo = async (model: string, document: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    return (await other.fetch(`/models/${model}`, { method: 'POST', body: JSON.stringify(document), headers })).json();
  };

  it('answers entities, unless a request asks for tokens', async () => {
    const inputs = 'Sarah lives in Zürich';
    const simple = await answerTo('tiny-bert-ner', { inputs, parameters: { aggregation_strategy: 'simple' } });
    expect(simple).toEqual(expect.arrayContaining([expect.objectContaining({ entity_group: expect.any(String) })]));
    expect(await answerTo('tiny-bert-ner', { inputs })).toEqual(simple);
    expect(await answerTo('tiny-bert-ner', { inputs, parameters: { aggregation_strategy: null } })).toEqual(simple);
    const tokens = await answerTo('tiny-bert-ner', { inputs, parameters: { aggregation_strategy: 'none' } });
    expect(tokens).toEqual(expect.arrayContaining([expect.objectContaining({ entity: expect.any(String) })]));
  });

  it('answers numbers for columns, and labels for rows', async () => {
    expect(await answerTo('iris', { inputs: { data: FLOWERS } })).toEqual([0, 2]);
    expect(await answerTo('iris', { table: FLOWERS })).toEqual(['setosa', 'virginica']);
    expect(await answerTo('iris', { inputs: [[5.1, 3.5, 1.4, 0.2]], parameters: { top_k: 1 } })).toEqual([
      [{ label: 'setosa', score: expect.any(Number) }],
    ]);
    const asked = { inputs: { data: FLOWERS }, parameters: { label_numbers: false, top_k: 1 } };
    expect(await answerTo('iris', asked)).toMatchObject([[{ label: 'setosa' }], [{ label: 'virginica' }]]);
  });

  it('describes the shapes that it answers', async () => {
    const models = await Promise.all(
      ['iris', 'tiny-bert-ner'].map((name) => describeModel(other.repository, name, 'javascript')),
    );
    const { paths } = createDocument(
      models.filter((model) => model !== undefined),
      'none',
    );
    expect(paths['/models/tiny-bert-ner']).toMatchObject({
      post: {
        parameters: expect.arrayContaining([
          expect.objectContaining({ schema: expect.objectContaining({ default: 'simple' }) }),
        ]),
      },
    });
  });
});

it('applies the function that an image is asked for with', async () => {
  const scores = async (name: string): Promise<number[]> => {
    const parameters = { function_to_apply: name, top_k: 1000 };
    const { answer } = await ask<{ score: number }[]>('efficientnet-lite0', { inputs: PHOTO, parameters });
    return answer.map(({ score }) => score);
  };
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const logits = await scores('none');
  expect(sum(await scores('softmax'))).toBeCloseTo(1, 3);
  expect(sum(await scores('sigmoid'))).toBeCloseTo(sum(logits.map((logit) => 1 / (1 + Math.exp(-logit)))), 2);
});

it('cuts a long text at the side that the request names', async () => {
  const words = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'river' : 'snow'));
  const halves = { left: ['winter', ...words], right: [...words, 'winter'] };
  const vectorOf = async (text: readonly string[], truncation_direction?: string): Promise<unknown> =>
    (await ask('tiny-bert-sentences', { inputs: text.join(' '), parameters: { truncation_direction } })).answer;
  expect(await vectorOf(halves.left, 'left')).toEqual(await vectorOf(words, 'left'));
  expect(await vectorOf(halves.right, 'right')).toEqual(await vectorOf(words));
  expect(await vectorOf(halves.right, 'left')).not.toEqual(await vectorOf(words, 'left'));
});

it('reads the parameters of a search from an object of their own', async () => {
  const nested = { inputs: 'Hello there', parameters: { generate_parameters: { max_new_tokens: 1 } } };
  const flat = { inputs: 'Hello there', parameters: { max_new_tokens: 1 } };
  expect(await ask('tiny-marian', nested)).toEqual(await ask('tiny-marian', flat));
});

it('answers a table of the Python client with the best label of each row', async () => {
  expect(await ask('iris', { table: FLOWERS })).toEqual({ status: 200, answer: ['setosa', 'virginica'] });
  const numbers = await ask('tabular-ridge', { table: { u: [1, 2], v: [1, 2], w: [1, 2] } });
  const rows = await ask('tabular-ridge', {
    inputs: [
      [1, 1, 1],
      [2, 2, 2],
    ],
  });
  expect(numbers).toEqual(rows);
  expect(rows.status).toBe(200);
});

it.each<[number, string, string, unknown]>([
  [422, 'forbids to cut it', 'tiny-bert-sentences', { inputs: LONG, truncate: false }],
  [422, 'inputs[1] has', 'tiny-marian', { inputs: ['a', LONG], parameters: { truncation: 'do_not_truncate' } }],
  [400, '"truncation_direction"', 'tiny-bert-sentences', { inputs: 'a', truncation_direction: 'up' }],
  [400, '"generate_parameters" is 3', 'tiny-marian', { inputs: 'a', parameters: { generate_parameters: 3 } }],
  [400, '"penalty_alpha"', 'tiny-marian', { inputs: 'a', parameters: { generate_parameters: { penalty_alpha: 2 } } }],
  [422, '"sentences"', 'tiny-bert-sentences', { inputs: { source_sentence: 'a', sentences: [] } }],
  [422, 'inputs[0]', 'tiny-bert-sentences', { inputs: { source_sentence: 3, sentences: ['a'] } }],
  [
    400,
    'one vector each',
    'tiny-bert-sentences',
    { inputs: { source_sentence: 'a', sentences: ['b'] }, parameters: { pooling: 'none' } },
  ],
  [422, 'table: column "x"', 'iris', { table: { x: [1] } }],
])('answers %i: %s', async (status, message, model, document) => {
  expect(await ask(model, document)).toEqual({
    status,
    answer: expect.objectContaining({ error: expect.stringContaining(message) }),
  });
});
