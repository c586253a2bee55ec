import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
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
  [400, '"truncation_direction"', 'tiny-bert-sentences', { inputs: 'a', truncation_direction: 'left' }],
  [400, '"generate_parameters" is 3', 'tiny-marian', { inputs: 'a', parameters: { generate_parameters: 3 } }],
  [400, '"length_penalty"', 'tiny-marian', { inputs: 'a', parameters: { generate_parameters: { length_penalty: 2 } } }],
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
