import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODELS = ['tiny-bert-ner', 'tiny-roberta-ner', 'tiny-xlm-roberta-ner'];
const TEXT = 'Zoë 😀 Société Générale 𝒮arah İstanbul 東京 محمد Zu\u0308rich';

interface Entity {
  readonly entity?: string;
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of MODELS) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const post = (model: string, inputs: unknown, parameters: Record<string, unknown> = {}): Promise<Response> =>
  serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs, parameters }),
  });
const ask = async (model: string, inputs: unknown, parameters?: Record<string, unknown>): Promise<unknown> => {
  const response = await post(model, inputs, parameters);
  expect(response.status).toBe(200);
  return response.json();
};
const ALL_TOKENS = { ignore_labels: [] };

describe('token-classification', () => {
  it.each(MODELS)('tells where every token of %s stands in the very string that was sent', async (model) => {
    const tokens = (await ask(model, TEXT, ALL_TOKENS)) as Entity[];

    const places = tokens.map(({ start, end }) => TEXT.slice(start, end)).filter((place) => place !== '');
    expect(places.every((place) => place.isWellFormed())).toBe(true); // no token ends inside of a character
    const covered = new Set(
      tokens.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at)),
    );
    const missed = Array.from(TEXT, (_, at) => at).filter(
      (at) => !covered.has(at) && !/\s|\u0308/u.test(TEXT[at] ?? ''),
    );
    expect(missed).toEqual([]);
  });

  it('answers a list with a list of lists, each as it would be alone', async () => {
    const texts = [TEXT, '', 'London', TEXT.repeat(5)];

    const together = (await ask('tiny-bert-ner', texts, { aggregation_strategy: 'average' })) as unknown[];

    const alone = await Promise.all(
      texts.map((text) => ask('tiny-bert-ner', text, { aggregation_strategy: 'average' })),
    );
    expect(together).toHaveLength(4);
    expect(together[1]).toEqual([]);
    const places = (answer: unknown) =>
      JSON.stringify(answer, (key, value: unknown) => (key === 'score' ? undefined : value));
    expect(places(together)).toBe(places(alone));
  });

  it('reads a text to its end, though the model takes 32 tokens', async () => {
    const text = `${'very '.repeat(300)}London`;

    const tokens = (await ask('tiny-xlm-roberta-ner', text, ALL_TOKENS)) as Entity[];

    expect(tokens.at(-1)?.end).toBe(text.length);
    const indices = tokens.map(({ index }) => index);
    expect(indices).toEqual(indices.map((_, position) => position + 1)); // each token once, and in order
  });

  it('takes plain text, with its parameters in the query', async () => {
    const response = await serving.fetch('/models/tiny-bert-ner?aggregation_strategy=simple&ignore_labels=[]', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'Sarah lives in London',
    });

    expect(await response.json()).toEqual(
      await ask('tiny-bert-ner', 'Sarah lives in London', { aggregation_strategy: 'simple', ...ALL_TOKENS }),
    );
  });

  it.each([
    [
      400,
      /"aggregation_strategy" is "best", expected one of none, simple, first, average, max/,
      { aggregation_strategy: 'best' },
    ],
    [400, /"stride" is 30, expected less than the 30 tokens/, { stride: 30 }],
    [400, /"stride" is -1, expected a number of tokens/, { stride: -1 }],
    [400, /"stride" is 1.5/, { stride: 1.5 }],
    [400, /"ignore_labels" is "O", expected a list/, { ignore_labels: 'O' }],
    [
      400,
      /"grouped_entities" is unknown, this task takes: aggregation_strategy, ignore_labels, stride/,
      { grouped_entities: true },
    ],
  ])('answers %i: %s', async (status, message, parameters) => {
    const response = await post('tiny-bert-ner', 'London', parameters);

    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });

  it.each([
    [/"inputs" is an empty list/, []],
    [/inputs\[1\] is 7, expected a text/, ['a', 7]],
    [/inputs\[1\] has a lone surrogate/, ['a', '\ud83d']],
  ])('refuses inputs: %s', async (message, inputs) => {
    const response = await post('tiny-bert-ner', inputs);

    expect(response.status).toBe(422);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });

  it('refuses a stride that would make too many windows of a text, and names the text', async () => {
    const response = await post('tiny-bert-ner', ['short', 'a '.repeat(2_000)], {
      stride: 29,
      aggregation_strategy: 'max',
    });

    expect(response.status).toBe(422);
    expect(((await response.json()) as { error: string }).error).toMatch(
      /the texts up to inputs\[1\] make more than 1024 windows of 30 tokens/,
    );
  });
});

describe('push of a token classifier', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ner-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const pushChanged = async (file: string, change: (content: Record<string, unknown>) => void): Promise<unknown> => {
    await cp('test/fixtures/models/tiny-bert-ner', folder, { recursive: true });
    const content = JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, unknown>;
    change(content);
    await writeFile(join(folder, file), JSON.stringify(content));
    return pushModel(serving.repository, folder, { name: 'changed' });
  };

  it('refuses labels that are not those of the graph', async () => {
    const pushing = pushChanged('config.json', (config) => {
      config.id2label = { 0: 'O', 1: 'PER' };
    });

    await expect(pushing).rejects.toThrow(/the graph has 7 labels, "id2label" in config.json names 2/);
  });

  it('refuses a tokenizer that has tokens which the graph does not know', async () => {
    const pushing = pushChanged('tokenizer.json', ({ model }) => {
      const { vocab } = model as { vocab: Record<string, number> };
      vocab.extra = 5_000;
    });

    await expect(pushing).rejects.toThrow(/the tokenizer has 5001 tokens, "vocab_size" in config.json is/);
  });

  it('refuses a folder without tokenizer.json and without what one is made from', async () => {
    await cp('test/fixtures/models/tiny-bert-ner', folder, { recursive: true });
    await rm(join(folder, 'tokenizer.json'));

    await expect(pushModel(serving.repository, folder, { name: 'changed' })).rejects.toThrow(
      /neither tokenizer\.json nor vocab\.txt/,
    );
  });
});
