import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Recommendations } from '../../src/tasks/recommendation/task.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODELS = 'test/fixtures/models';
const RETAIL = 'models/retail-recommender';

interface Golden {
  readonly samples: readonly { readonly user: string; readonly ids: string[]; readonly scores: number[] }[];
}
const { samples } = JSON.parse(await readFile(`${RETAIL}/golden.json`, 'utf8')) as Golden;

let serving: TestServing;

const post = async (model: string, body: unknown, type = 'application/json') => {
  const response = await serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as never };
};
const ask = async (model: string, inputs: unknown, parameters = {}) => {
  const { status, answer } = await post(model, { inputs, parameters });
  expect({ status, answer }).toMatchObject({ status: 200 });
  return answer as Recommendations;
};
const ids = ({ items }: Recommendations): string[] => items.map(({ id }) => id);

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['retail-recommender', 'recommendation-user', 'recommendation-history', 'recommendation-both'])
    await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

describe('the retail recommender', () => {
  it('ranks as numpy does in float64', async () => {
    const answers = (await ask(
      'retail-recommender',
      samples.map(({ user }) => ({ user })),
    )) as unknown as Recommendations[];
    expect(answers.map(ids)).toEqual(samples.map((sample) => sample.ids));
    answers.forEach(({ ranked_by, items }, index) => {
      expect(ranked_by).toBe('model');
      items.forEach(({ score, title }, place) => {
        expect(Math.abs(score - (samples[index]?.scores[place] ?? Number.NaN))).toBeLessThan(1e-5);
        expect(title).toEqual(expect.any(String));
      });
    });
  });

  it('answers its sample requests', async () => {
    const read = (name: string) => readFile(`${RETAIL}/samples/${name}`, 'utf8');
    const one = (await post('retail-recommender', await read('history.json'))).answer as Recommendations;
    expect(one).toMatchObject({ ranked_by: 'model', items: expect.any(Array) });
    expect(one.items).toHaveLength(3);
    const all = (await post('retail-recommender', await read('users.jsonl'), 'application/jsonl'))
      .answer as Recommendations[];
    expect(all.map(({ ranked_by }) => ranked_by)).toEqual(['model', 'model', 'popularity']);
  });
});

describe('recommendations', () => {
  it('leave out the history, unless the caller says what to leave out', async () => {
    const history = ['item-001', '2'];
    const all = await ask('recommendation-history', { history, exclude: [] }, { top_k: 200 });
    const usual = await ask('recommendation-history', { history }, { top_k: 200 });
    const other = await ask('recommendation-history', { history, exclude: [4] }, { top_k: 200 });
    expect(all.items).toHaveLength(200);
    expect(ids(usual)).toEqual(ids(all).filter((id) => !history.includes(id)));
    expect(ids(other)).toEqual(ids(all).filter((id) => id !== '4'));
  });

  it.each<[string, string, unknown, string]>([
    ['an unknown user', 'recommendation-user', { user: 'nobody', history: ['2'] }, 'user "nobody" is unknown'],
    ['an empty history', 'recommendation-history', { history: [], exclude: ['2'] }, 'the history is empty'],
  ])('fall back to what is popular for %s, and say so', async (_what, model, query, reason) => {
    const lines = (await readFile(join(MODELS, model, 'items.jsonl'), 'utf8')).trim().split('\n');
    const popular = lines
      .map((line) => JSON.parse(line) as { id: string | number; popularity: number })
      .filter(({ id }) => String(id) !== '2')
      .sort((a, b) => b.popularity - a.popularity)
      .map(({ id, popularity: score }) => ({ id: String(id), score }));

    const { items, ...rest } = await ask(model, query);

    expect(rest).toEqual({ ranked_by: 'popularity', reason });
    expect(items.map(({ id, score }) => ({ id, score }))).toEqual(popular.slice(0, 10));
  });

  it('of a history say more than those of an unknown user', async () => {
    expect(await ask('recommendation-history', { user: 'nobody', history: ['2'] })).toMatchObject({
      ranked_by: 'model',
    });
  });

  it('keep the order of a list, whatever runs together', async () => {
    const queries = [{ history: ['2', '4'] }, { user: 'nobody' }, { history: ['6'] }, { history: ['8', '10'] }];
    const together = (await ask('recommendation-history', queries)) as unknown as Recommendations[];
    const alone = await Promise.all(queries.map((query) => ask('recommendation-history', query)));
    expect(together).toEqual(alone);
  });

  it.each<[string, string, unknown, number, string]>([
    [
      'an item that is not in the catalogue',
      'recommendation-history',
      { inputs: [{ history: ['2'] }, { history: ['2', 'item-002'] }] },
      422,
      'inputs[1].history[1]: "item-002" is not in the catalogue',
    ],
    [
      'the same to be excluded',
      'recommendation-history',
      { inputs: { history: ['2'], exclude: ['x'] } },
      422,
      'inputs.exclude[0]: "x" is not in the catalogue',
    ],
    [
      'no user for a model of users',
      'recommendation-user',
      { inputs: { history: ['2'] } },
      422,
      'inputs has no "user"',
    ],
    ['neither', 'recommendation-history', { inputs: {} }, 422, 'inputs has neither "history" nor "user"'],
    [
      'a field that there is not',
      'recommendation-history',
      { inputs: { history: ['2'], topk: 3 } },
      422,
      'inputs: "topk" is unknown',
    ],
    [
      'a history that is none',
      'recommendation-history',
      { inputs: { history: '2' } },
      422,
      'inputs.history is "2", expected a list',
    ],
    [
      'an id that is none',
      'recommendation-history',
      { inputs: { history: [{}] } },
      422,
      'inputs.history[0] is {}, expected an id',
    ],
    ['text', 'recommendation-history', { inputs: 'item-001' }, 422, 'inputs is "item-001", expected {"history"'],
    ['an empty list', 'recommendation-history', { inputs: [] }, 422, 'inputs is an empty list'],
    ['10,001 items', 'recommendation-history', { inputs: { history: Array(10_001).fill('2') } }, 422, 'at most 10000'],
    [
      '1,001 users',
      'recommendation-history',
      { inputs: Array(1_001).fill({ history: ['2'] }) },
      413,
      'at most 1000 users',
    ],
    [
      'more answers than fit',
      'recommendation-history',
      { inputs: Array(1_000).fill({ history: ['2'] }), parameters: { top_k: 101 } },
      413,
      '100000 recommendations',
    ],
    [
      'no items asked for',
      'recommendation-history',
      { inputs: { history: ['2'] }, parameters: { top_k: 0 } },
      400,
      'parameter "top_k" is 0',
    ],
  ])('are refused for %s', async (_what, model, body, status, message) => {
    expect(await post(model, body)).toEqual({
      status,
      answer: expect.objectContaining({ error: expect.stringContaining(message) }),
    });
  });

  it('are refused for what is no JSON', async () => {
    expect((await post('recommendation-history', 'item-001', 'text/plain')).status).toBe(415);
  });
});

describe('pushing a recommender', () => {
  let folder: string;
  const push = () => pushModel(serving.repository, folder, { name: 'changed', dryRun: true });
  const cut = async (name: string, from: number, to?: number) => {
    const lines = (await readFile(join(folder, name), 'utf8')).trim().split('\n');
    await writeFile(join(folder, name), lines.slice(from, to).join('\n'));
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recommender-'));
    await cp(join(MODELS, 'recommendation-user'), folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no catalogue', () => rm(join(folder, 'items.jsonl')), /no items\.jsonl/],
    [
      'a catalogue that is too short',
      async () => {
        await writeFile(join(folder, 'users.jsonl'), '{"id": 1}');
        await cut('items.jsonl', 0, -1);
      },
      /made for 200 items, items\.jsonl has 199/,
    ],
    [
      'no users where it knows users by index',
      () => rm(join(folder, 'users.jsonl')),
      /takes the index of a user.*no users\.jsonl/,
    ],
    [
      'a user more than the graph has',
      async () =>
        writeFile(
          join(folder, 'users.jsonl'),
          `${await readFile(join(folder, 'users.jsonl'), 'utf8')}{"id": "one more"}`,
        ),
      /cannot be served.*(bounds|range)/,
    ],
    [
      'a graph of another kind',
      () => cp(join(MODELS, 'add.onnx'), join(folder, 'model.onnx')),
      /recommendation needs a graph.*float32\[batch,3\]/,
    ],
  ])('is refused for %s', async (_what, change, message) => {
    await change();
    await expect(push()).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
