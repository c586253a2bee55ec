import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestServing, publishModel, pushNamed, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  const push = (name: string, file: string, dimensions = {}) =>
    publishModel(serving.repository, name, `test/fixtures/models/${file}`, { dimensions });
  await push('add', 'add.onnx');
  await push('fixed', 'fixed-batch.onnx');
  for (const name of ['iris', 'efficientnet-lite0', 'tiny-bert-sentiment']) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const get = async (path: string) => {
  const response = await serving.fetch(path);
  return { status: response.status, body: (await response.json()) as { models: string[] } };
};
const predict = async (model: string, document: unknown) => {
  const body = JSON.stringify(document);
  const response = await serving.fetch(`/v1/models/${model}:predict`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as { predictions: unknown[] } };
};

it('lists models, and says that one is ready', async () => {
  const { status, body } = await get('/v1/models');
  expect({ status, models: body.models }).toEqual({ status: 200, models: expect.arrayContaining(['add', 'iris']) });
  expect(await get('/v1/models/add')).toMatchObject({ status: 200, body: { name: 'add', ready: true } });
  expect((await get('/v1/models/unknown')).status).toBe(404);
});

it.each<[string, string, unknown, unknown]>([
  ['rows of the only input', 'fixed', [[1, 2]], [[-1, -2]]],
  [
    'objects with a row for each input',
    'add',
    [
      { a: [1, 2, 3], b: [1, 1, 1] },
      { a: [0, 0, 0], b: [4, 5, 6] },
    ],
    [
      [2, 3, 4],
      [4, 5, 6],
    ],
  ],
])('answers tensors from %s', async (_what, model, instances, predictions) => {
  expect(await predict(model, { instances })).toEqual({ status: 200, body: { predictions } });
});

it('answers each instance in the words of the task', async () => {
  const text = { instances: ['I love it', 'I hate it'], parameters: { top_k: 1 } };
  const single = await serving.fetch('/models/tiny-bert-sentiment', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: 'I love it', parameters: text.parameters }),
  });
  const { status, body } = await predict('tiny-bert-sentiment', text);
  expect(status).toBe(200);
  expect(body.predictions).toHaveLength(2);
  expect(body.predictions[0]).toEqual(await single.json());
});

it.each([
  ['alone', (b64: string) => ({ b64 })],
  ['under the name of an input', (b64: string) => ({ image_bytes: { b64 } })],
])('takes bytes as {"b64"} %s', async (_where, wrap) => {
  const photo = await readFile(`${SAMPLE_FOLDER}/samples/coffee.jpg`);
  const { status, body } = await predict('efficientnet-lite0', { instances: [wrap(photo.toString('base64'))] });
  expect(status).toBe(200);
  expect(body.predictions).toEqual([expect.arrayContaining([{ label: 'espresso', score: expect.any(Number) }])]);
});

it('takes rows of a table', async () => {
  const { status, body } = await predict('iris', {
    instances: [
      [5.1, 3.5, 1.4, 0.2],
      [6.7, 3, 5.2, 2.3],
    ],
  });
  expect(status).toBe(200);
  expect(body.predictions).toHaveLength(2);
});

it.each([
  [404, 'no model unknown', 'unknown', { instances: [1] }],
  [400, '"instances" is no list', 'add', { inputs: [1] }],
  [400, '"instances" is no list', 'add', { instances: [] }],
  [400, '"instances" is no list', 'add', null],
  [400, '"signature" is not supported', 'add', { instances: [1], signature: 'x' }],
  [400, '"parameters" is 3', 'add', { instances: [1], parameters: 3 }],
  [400, 'the model takes "a", "b"', 'add', { instances: [[1, 2, 3]] }],
  [400, 'input "c" is unknown', 'add', { instances: [{ c: [1] }] }],
  [400, 'input "b" is missing', 'add', { instances: [{ a: [1, 2, 3] }] }],
  [400, 'is no list', 'add', { instances: [{ a: [1, 2, 3], b: [1, 2, 3] }, { a: [1, 2, 3] }] }],
  [
    400,
    'an instance has "c"',
    'add',
    {
      instances: [
        { a: [1, 2, 3], b: [1, 2, 3] },
        { a: [1], b: [1], c: [1] },
      ],
    },
  ],
  [400, 'parameter "top_k" is not known', 'fixed', { instances: [[1, 2]], parameters: { top_k: 1 } }],
  [400, 'axis 1', 'fixed', { instances: [[1, 2], [1]] }],
  [400, 'inputs', 'tiny-bert-sentiment', { instances: ['fine', 5] }],
])('answers %i: %s', async (status, message, model, document) => {
  expect(await predict(model, document)).toEqual({
    status,
    body: expect.objectContaining({ error: expect.stringContaining(message) }),
  });
});
