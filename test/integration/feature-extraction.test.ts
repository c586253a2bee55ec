import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const BERT = 'tiny-bert-sentences';
const ROBERTA = 'tiny-roberta-sentences';
const WIDTH = 32;

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of [BERT, ROBERTA]) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const post = (body: string, type = 'application/json', path = `/models/${BERT}`) =>
  serving.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
const ask = (inputs: unknown, parameters: unknown = {}, model = BERT) =>
  post(JSON.stringify({ inputs, parameters }), 'application/json', `/models/${model}`);
const vectorsOf = async <Vectors = number[][]>(response: Response): Promise<Vectors> => {
  expect(response.status).toBe(200);
  return (await response.json()) as Vectors;
};
const lengthOf = (vector: readonly number[] = []): number => Math.hypot(...vector);

describe('a text', () => {
  it('gets one vector in a list, of length 1 where the model has it so', async () => {
    const vectors = await vectorsOf(await ask('A sentence.'));

    expect(vectors).toEqual([expect.any(Array)]);
    expect(vectors[0]).toHaveLength(WIDTH);
    expect(lengthOf(vectors[0])).toBeCloseTo(1, 6);
  });

  it('gets several poolings one after the other where 1_Pooling/config.json has several', async () => {
    const [vector] = await vectorsOf(await ask('A sentence.', {}, ROBERTA));
    const [[cls = []], [most = []], [root = []]] = (await Promise.all(
      ['cls', 'max', 'mean_sqrt_len_tokens'].map(async (pooling) =>
        vectorsOf(await ask('A sentence.', { pooling }, ROBERTA)),
      ),
    )) as [number[][], number[][], number[][]];

    expect(vector).toEqual([...cls, ...most, ...root]);
  });

  it('is pooled and normalised as the caller asks', async () => {
    const [model = []] = await vectorsOf(await ask('A sentence.'));
    const [mean = []] = await vectorsOf(await ask('A sentence.', { pooling: 'mean', normalize: false }));
    const [first] = await vectorsOf(await ask('A sentence.', { pooling: 'cls' }));

    expect(mean.map((value) => value / lengthOf(mean))).toEqual(model.map((value) => expect.closeTo(value, 6)));
    expect(lengthOf(mean)).not.toBeCloseTo(1, 2);
    expect(first).not.toEqual(model);
  });

  it('gets the vectors of its tokens without pooling', async () => {
    const [tokens = []] = await vectorsOf<number[][][]>(await ask(['. . .'], { pooling: 'none' }));
    const [cls] = await vectorsOf(await ask('. . .', { pooling: 'cls', normalize: false }));
    const [last] = await vectorsOf(await ask('. . .', { pooling: 'lasttoken', normalize: false }));

    expect(tokens).toHaveLength(5);
    expect([tokens[0], tokens.at(-1)]).toEqual([cls, last]);
    const [normal = []] = await vectorsOf<number[][][]>(await ask(['. . .'], { pooling: 'none', normalize: true }));
    expect(normal.map((vector) => lengthOf(vector))).toEqual(new Array(5).fill(expect.closeTo(1, 6)));
  });

  it('gets the same vector as a raw body and in JSON Lines', async () => {
    const expected = await vectorsOf(await ask('Köln 😀'));

    expect(await vectorsOf(await post('Köln 😀', 'text/plain'))).toEqual(expected);
    expect(await vectorsOf(await post('"Köln 😀"', 'application/jsonl'))).toEqual(expected);
    expect(await vectorsOf(await post('Köln 😀', 'text/plain', `/models/${BERT}?pooling=mean&normalize=true`))).toEqual(
      expected,
    );
  });

  it('is one of many in the same order, and gets what it would get alone', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => '. '.repeat((index * 37) % 60));
    const response = await ask(texts);
    const vectors = await vectorsOf(response);

    expect(vectors).toHaveLength(100);
    for (const index of [0, 1, 50, 99])
      expect((await vectorsOf(await ask(texts[index])))[0]).toEqual(
        vectors[index]?.map((value) => expect.closeTo(value, 5)),
      );
    // 46 tokens and two special ones are what sentence_bert_config.json allows.
    const cut = texts.flatMap((text, index) => (text.length / 2 > 46 ? [index] : []));
    expect(response.headers.get('x-truncated-inputs')).toBe(cut.join(', '));
  });
});

describe('bad input', () => {
  it.each([
    [
      'an unknown pooling',
      'a',
      { pooling: 'sum' },
      400,
      /"pooling" is "sum", expected one of model, none, cls, max, mean/,
    ],
    ['normalize that is neither true nor false', 'a', { normalize: 'yes' }, 400, /"normalize" is "yes"/],
    ['a prompt of a model without prompts', 'a', { prompt_name: 'query' }, 400, /the model has no prompts/],
    ['a pair', { text: 'a', text_pair: 'b' }, {}, 422, /expected a text/],
    ['an empty list', [], {}, 422, /empty list/],
  ])('%s', async (_, inputs, parameters, status, message) => {
    const response = await ask(inputs, parameters);
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([status, expect.stringMatching(message)]);
  });

  it('that has more vectors of tokens than an answer carries is refused before they are made', async () => {
    const response = await ask(new Array(1000).fill('. '.repeat(70)), { pooling: 'none' }, ROBERTA);
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([
      413,
      expect.stringMatching(/64000 tokens have 2048000 numbers, at most 2000000/),
    ]);
  });
});

describe('push of an encoder of sentences', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sentences-'));
    await cp(`test/fixtures/models/${BERT}`, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = (file: string, content: unknown) => writeFile(join(folder, file), JSON.stringify(content));
  const push = async (name: string) => {
    await pushModel(serving.repository, folder, { name });
    const { task, settings } = await serving.repository.bundle(name, 1);
    return { task, settings };
  };
  const SETTINGS = { pooling: ['mean'], normalize: true, lowerCase: false, graphModules: [], maxLength: 48 };

  it('keeps what sentence-transformers wrote', async () => {
    expect(await push('as-it-is')).toEqual({ task: 'feature-extraction', settings: SETTINGS });
  });

  it('puts the default prompt before texts, and another one on request', async () => {
    const prompts = { query: 'a b: ', document: '' };
    await write('config_sentence_transformers.json', { prompts, default_prompt_name: 'query' });
    const { notes } = await pushModel(serving.repository, folder, { name: 'prompts' });
    expect(notes).toContainEqual(expect.stringContaining('the prompt "query" is put before each text'));

    expect(await vectorsOf(await ask('. .', {}, 'prompts'))).toEqual(await vectorsOf(await ask('a b: . .')));
    const document = await ask('. .', { prompt_name: 'document' }, 'prompts');
    expect(await vectorsOf(document)).toEqual(await vectorsOf(await ask('. .')));
    const unknown = await ask('. .', { prompt_name: 'passage' }, 'prompts');
    expect([unknown.status, await unknown.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.stringContaining('expected one of query, document') }),
    ]);
  });

  it('is refused for prompts that cannot be served', async () => {
    await write('config_sentence_transformers.json', { prompts: { query: 'a: ' }, default_prompt_name: 'passage' });
    await expect(push('unnamed')).rejects.toThrow(/"default_prompt_name".*is "passage".*none of its "prompts"/);
    await write('config_sentence_transformers.json', { prompts: { query: 'a: ' } });
    await write('1_Pooling/config.json', { pooling_mode_mean_tokens: true, include_prompt: false });
    await expect(push('excluded')).rejects.toThrow(/"include_prompt".*is false/);
  });

  it('reads the names of poolings that later versions write', async () => {
    await write('1_Pooling/config.json', { embedding_dimension: WIDTH, pooling_mode: ['cls', 'lasttoken'] });
    expect(await push('named')).toMatchObject({ settings: { pooling: ['cls', 'lasttoken'] } });
    await write('1_Pooling/config.json', { embedding_dimension: WIDTH, pooling_mode: 'max' });
    expect(await push('single')).toMatchObject({ settings: { pooling: ['max'] } });
  });

  it('serves the vectors of tokens of a folder without pooling', async () => {
    await rm(join(folder, '1_Pooling'), { recursive: true });
    await rm(join(folder, 'modules.json'));
    await rm(join(folder, 'sentence_bert_config.json'));
    expect(await push('bare')).toEqual({
      task: 'feature-extraction',
      settings: { ...SETTINGS, pooling: [], normalize: false, maxLength: 66 },
    });
    expect((await vectorsOf<number[][][]>(await ask('.', {}, 'bare')))[0]).toHaveLength(3);
  });

  it('turns texts to lower case where sentence_bert_config.json says so', async () => {
    const json = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as {
      normalizer: { lowercase: boolean };
    };
    json.normalizer.lowercase = false;
    await write('tokenizer.json', json);
    await write('sentence_bert_config.json', { max_seq_length: 48, do_lower_case: true });
    await push('lower');
    const [upper, lower] = await vectorsOf(await ask(['The Fox', 'the fox'], {}, 'lower'));
    expect(upper).toEqual(lower);
  });

  it('takes modules that only the graph holds where it gives the vector of a text itself', async () => {
    await rm(folder, { recursive: true });
    await cp('test/fixtures/models/tiny-bert-dense', folder, { recursive: true });
    expect(await push('dense')).toMatchObject({ settings: { graphModules: ['Dense'] } });
    expect((await vectorsOf(await ask('a', {}, 'dense')))[0]).toHaveLength(8);
    expect((await vectorsOf(await ask('a', { pooling: 'mean' }, 'dense')))[0]).toHaveLength(WIDTH);
  });

  it.each([
    ['a pooling that is not known', '1_Pooling/config.json', { pooling_mode: 'attention' }, /pools by "attention"/],
    [
      'a module that is only in Python',
      'modules.json',
      [{ type: 'sentence_transformers.models.Dense' }],
      /modules\.json has Dense/,
    ],
    ['modules that are no list', 'modules.json', {}, /modules\.json is no list/],
    [
      'more tokens than the graph takes',
      'sentence_bert_config.json',
      { max_seq_length: 80 },
      /fails on texts of 80 tokens/,
    ],
  ])('refuses %s', async (_, file, content, message) => {
    await write('tokenizer_config.json', { model_max_length: 512 });
    await write(file, content);
    await expect(push('refused')).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
