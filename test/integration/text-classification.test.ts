import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TextClassificationAnswer } from '../../src/tasks/text-classification/task.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const BERT = 'tiny-bert-sentiment';
const FOLDER = `test/fixtures/models/${BERT}`;

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of [BERT, 'tiny-roberta-emotions', 'tiny-bert-rating']) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const post = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json', path = `/models/${BERT}`) =>
  serving.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
const ask = (inputs: unknown, parameters: unknown = {}, model = BERT) =>
  post(JSON.stringify({ inputs, parameters }), 'application/json', `/models/${model}`);
const answerOf = async (response: Response): Promise<TextClassificationAnswer> => {
  expect([response.status, response.headers.get('x-truncated-inputs')]).toEqual([200, null]);
  return (await response.json()) as TextClassificationAnswer;
};
const NEGATIVE = { label: 'NEGATIVE', score: expect.any(Number) };
const POSITIVE = { label: 'POSITIVE', score: expect.any(Number) };

describe('a text', () => {
  it('gets every label in a list of lists, best first, and the scores add up to 1', async () => {
    const [labels, ...others] = await answerOf(await ask('What a day!'));

    expect(others).toEqual([]);
    expect(labels).toEqual(expect.arrayContaining([NEGATIVE, POSITIVE]));
    const [best = 0, second = 0] = (labels ?? []).map(({ score }) => score);
    expect(best).toBeGreaterThan(second);
    expect(best + second).toBeCloseTo(1, 6);
  });

  it('gets the same answer as a raw body, in a list, in JSON Lines and by its version', async () => {
    const expected = await answerOf(await ask(['Köln 😀']));

    expect(await answerOf(await ask('Köln 😀'))).toEqual(expected);
    expect(await answerOf(await post('Köln 😀', 'text/plain; charset=utf-8'))).toEqual(expected);
    expect(await answerOf(await post('"Köln 😀"\n', 'application/jsonl'))).toEqual(expected);
    expect(
      await answerOf(await post(JSON.stringify({ inputs: 'Köln 😀' }), undefined, `/models/${BERT}/versions/1`)),
    ).toEqual(expected);
  });

  it('gets as many labels as top_k says', async () => {
    expect(await answerOf(await ask('x', { top_k: 1 }))).toEqual([[expect.any(Object)]]);
    expect((await answerOf(await post('x', 'text/plain', `/models/${BERT}?top_k=1`)))[0]).toHaveLength(1);
    expect((await answerOf(await ask('x', { top_k: null })))[0]).toHaveLength(2);
  });

  it('gets independent scores from a model of several labels, and bare numbers from one of a single value', async () => {
    const [emotions = []] = await answerOf(await ask('x', {}, 'tiny-roberta-emotions'));
    expect(emotions).toHaveLength(5);
    expect(emotions.every(({ score }) => score > 0 && score < 1)).toBe(true);
    expect(Math.abs(emotions.reduce((sum, { score }) => sum + score, 0) - 1)).toBeGreaterThan(0.01);

    expect(await answerOf(await ask('x', {}, 'tiny-bert-rating'))).toEqual([
      [{ label: 'LABEL_0', score: expect.any(Number) }],
    ]);
  });

  it('is answered by the function that the caller asks for', async () => {
    const [logits = []] = await answerOf(await ask('x', { function_to_apply: 'none' }));
    const [sigmoids = []] = await answerOf(await ask('x', { function_to_apply: 'sigmoid' }));
    logits.forEach(({ score }, index) => {
      expect(sigmoids[index]?.score).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
    });
  });

  it('counts its pair: the answer depends on it', async () => {
    const [alone, pair, swapped] = await answerOf(
      await ask([{ text: 'a b c' }, { text: 'a b c', text_pair: 'd e' }, { text: 'd e', text_pair: 'a b c' }]),
    );
    expect(await answerOf(await ask('a b c'))).toEqual([alone]);
    expect(pair).not.toEqual(alone);
    expect(swapped).not.toEqual(pair);
  });

  it('is one of many in the same order, whatever their lengths, and gets what it would get alone', async () => {
    const texts = Array.from({ length: 70 }, (_, index) => '. '.repeat((index * 37) % 50));
    const together = await answerOf(await ask(texts));

    expect(together).toHaveLength(70);
    for (const index of [0, 1, 33, 69]) {
      const [alone] = await answerOf(await ask(texts[index]));
      together[index]?.forEach(({ label, score }, rank) => {
        expect(alone?.[rank]).toEqual({ label, score: expect.closeTo(score, 5) });
      });
    }
  });
});

describe('a text that is longer than the model', () => {
  it('is cut, and its labels and a header say so', async () => {
    const response = await ask(['short', 'word '.repeat(100), '', '. '.repeat(63)]);

    expect([response.status, response.headers.get('x-truncated-inputs')]).toEqual([200, '1, 3']);
    const answer = (await response.json()) as TextClassificationAnswer;
    expect(answer.map((labels) => labels.map(({ truncated }) => truncated))).toEqual([
      [undefined, undefined],
      [true, true],
      [undefined, undefined],
      [true, true],
    ]);
  });

  it('is cut at the positions of the model when the tokenizer knows no limit', async () => {
    const response = await ask(['. '.repeat(38), '. '.repeat(39)], {}, 'tiny-bert-rating');
    expect([response.status, response.headers.get('x-truncated-inputs')]).toEqual([200, '1']);
  });
});

describe('bad input', () => {
  it.each([
    ['an empty list', { inputs: [] }, 422, /empty list/],
    ['10,000 texts', { inputs: new Array(10_000).fill('a') }, 413, /10000 texts, at most 1000/],
    ['a number', { inputs: ['a', 7] }, 422, /inputs\[1\] is 7/],
    ['a lone surrogate', { inputs: ['a\ud800'] }, 422, /inputs\[0\] has a lone surrogate/],
    ['a text of over a million characters', { inputs: 'a'.repeat(1_100_000) }, 413, /1100000 characters/],
    ['a pair with a field too many', { inputs: { text: 'a', text_pair: 'b', label: 1 } }, 422, /"label"/],
    [
      'an unknown parameter',
      { inputs: 'a', parameters: { topk: 1 } },
      400,
      /"topk" is unknown.*top_k, function_to_apply/,
    ],
    ['top_k 0', { inputs: 'a', parameters: { top_k: 0 } }, 400, /"top_k" is 0/],
    ['an unknown function', { inputs: 'a', parameters: { function_to_apply: 'relu' } }, 400, /softmax, sigmoid, none/],
  ])('%s is refused, and the answer says why', async (_, document, status, message) => {
    const response = await post(JSON.stringify(document));
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([status, expect.stringMatching(message)]);
  });

  it.each([
    ['10 MB of text', 'a'.repeat(10_000_000), 'text/plain', 413],
    ['bytes that are no UTF-8', Uint8Array.of(0x61, 0xff, 0x62), 'text/plain', 422],
    ['a table', 'a,b\n1,2\n', 'text/csv', 415],
    ['a picture', Uint8Array.of(0xff, 0xd8), 'image/jpeg', 415],
  ])('%s as a raw body is refused', async (_, body, type, status) => {
    expect((await post(body, type)).status).toBe(status);
  });
});

describe('push of a text classifier', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sentiment-'));
    await cp(FOLDER, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const change = async (file: string, edit: (tree: Record<string, unknown>) => void): Promise<void> => {
    const tree = JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, unknown>;
    edit(tree);
    await writeFile(join(folder, file), JSON.stringify(tree));
  };
  const push = (name = 'changed') => pushModel(serving.repository, folder, { name });

  it('recognises the task, and keeps what the answer depends on', async () => {
    await push();
    const { task, settings, resources } = await serving.repository.bundle('changed', 1);
    expect({ task, settings, resources }).toEqual({
      task: 'text-classification',
      settings: { labels: ['NEGATIVE', 'POSITIVE'], functionToApply: 'softmax', maxLength: 64 },
      resources: ['tokenizer.json', 'tokenizer_config.json'],
    });
  });

  it.each([
    [
      'a label too few',
      'config.json',
      { id2label: { 0: 'ONE' } },
      /the graph has 2 classes, "id2label" in config.json names 1/,
    ],
    [
      'a vocabulary that config.json does not have room for',
      'config.json',
      { vocab_size: 300 },
      /the tokenizer has \d+ tokens, "vocab_size" in config.json is 300/,
    ],
    ['a vocabulary much smaller than the model', 'config.json', { vocab_size: 30_522 }, /not of one model/],
    [
      'texts longer than the graph takes',
      'config.json',
      { max_position_embeddings: 512 },
      /fails on texts of 512 tokens/,
    ],
  ])('refuses %s', async (_, file, fields, message) => {
    await change('tokenizer_config.json', (config) => {
      config.model_max_length = 512;
    });
    await change(file, (config) => Object.assign(config, fields));
    await expect(push()).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses a tokenizer whose tokens the graph does not know, when config.json does not tell', async () => {
    await change('config.json', (config) => {
      delete config.vocab_size;
    });
    await change('tokenizer.json', ({ model }) => {
      (model as { vocab: Record<string, number> }).vocab.extra = 5_000;
    });
    await expect(push()).rejects.toThrow(/tokens up to 5000, which the graph fails on/);
  });

  it('refuses a tokenizer of a kind that is not known', async () => {
    await change('tokenizer.json', (tree) => {
      tree.normalizer = { type: 'Rot13' };
    });
    await expect(push()).rejects.toThrow(/normalizer Rot13 is not known/);
  });

  it('refuses a folder without a tokenizer', async () => {
    await rm(join(folder, 'tokenizer.json'));
    await expect(push()).rejects.toThrow(/neither tokenizer\.json nor vocab\.txt/);
  });

  it('takes the labels that transformers leaves out of config.json', async () => {
    await change('config.json', (config) => {
      delete config.id2label;
      delete config.label2id;
    });
    await push('unlabelled');
    expect(await answerOf(await ask('x', { top_k: 2 }, 'unlabelled'))).toEqual([
      expect.arrayContaining([
        { label: 'LABEL_0', score: expect.any(Number) },
        { label: 'LABEL_1', score: expect.any(Number) },
      ]),
    ]);
  });
});
