import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import { onUploadHandler } from '../../src/lambda/on-upload.ts';
import { createRecordedQueue, NO_CRASH } from '../support/message-queue.ts';
import { createTestServing, findNamed, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

interface Translation {
  readonly translation_text: string;
  readonly truncated?: true;
}

const MODELS = ['tiny-marian', 'tiny-t5', 'tiny-m2m100', 'tiny-nllb'];
const TEXT = 'The weather is fine today, and we are going to the market.';
const FRENCH = { src_lang: 'eng_Latn', tgt_lang: 'fra_Latn' };

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of MODELS) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

type Deadline = Parameters<TestServing['fetch']>[1] extends infer Init ? Init : never;

const send = (model: string, body: unknown, type = 'application/json', init: Deadline = {}): Promise<Response> =>
  serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    ...init,
  });

const translate = async (model: string, inputs: unknown, parameters: object = {}): Promise<Translation[]> => {
  const response = await send(model, { inputs, parameters });
  const answer = (await response.json()) as Translation[];
  expect({ status: response.status, answer }).toMatchObject({ status: 200 });
  return answer;
};

describe('translation', () => {
  it('answers one text with a list of one, as the Hugging Face inference API', async () => {
    expect(await translate('tiny-t5', TEXT)).toEqual([{ translation_text: expect.any(String) }]);
  });

  it('answers a list in its order, each text as it is alone', async () => {
    const texts = ['Hello', TEXT, '', 'a', `${TEXT} `.repeat(20), 'How much?', 'no', 'שלום 😀'];
    const together = await translate('tiny-nllb', texts, FRENCH);
    const alone = [];
    for (const text of texts) alone.push(...(await translate('tiny-nllb', text, FRENCH)));
    expect(together).toEqual(alone);
    expect(new Set(together.map((one) => one.translation_text)).size).toBeGreaterThan(4);
  });

  it('says which texts were cut to what the model takes', async () => {
    const response = await send('tiny-marian', { inputs: ['Hello', 'word '.repeat(500), 'a'] });
    const answer = (await response.json()) as Translation[];
    expect(answer.map(({ truncated }) => truncated)).toEqual([undefined, true, undefined]);
    expect(response.headers.get('x-truncated-inputs')).toBe('1');
  });

  it('searches as it is asked to', async () => {
    const shipped = await translate('tiny-marian', TEXT, { tgt_lang: 'fra' });
    const greedy = await translate('tiny-marian', TEXT, { tgt_lang: 'fra', num_beams: 1 });
    const short = await translate('tiny-marian', TEXT, { tgt_lang: 'fra', max_new_tokens: 1 });
    expect(await translate('tiny-marian', TEXT, { tgt_lang: 'fra', num_beams: 4 })).toEqual(shipped);
    expect(greedy).not.toEqual(shipped);
    expect(short[0]?.translation_text.length).toBeLessThan(shipped[0]?.translation_text.length ?? 0);
  });

  it('takes the language of a Marian model as a parameter or in the text', async () => {
    const texts = ['Hello', 'a', 'no', '', 'How much?'];
    const french = await translate('tiny-marian', texts, { tgt_lang: 'fra' });
    const marked = texts.map((text) => `>>fra<< ${text}`);
    expect(await translate('tiny-marian', marked)).toEqual(french);
    expect(await translate('tiny-marian', texts, { tgt_lang: 'deu' })).not.toEqual(french);
  });

  it("puts T5's prefix before the text, with the search of that pair", async () => {
    const asked = await translate('tiny-t5', TEXT, { src_lang: 'en', tgt_lang: 'fr' });
    const written = await translate('tiny-t5', `translate English to French: ${TEXT}`);
    const beams = await translate('tiny-t5', `translate English to French: ${TEXT}`, { num_beams: 4 });
    expect(asked).not.toEqual(written); // four beams and no repeated trigram, against greedy search
    expect(asked).not.toEqual(beams);
    expect(written).not.toEqual(await translate('tiny-t5', TEXT));
  });

  it('takes the source language that the tokenizer names when none is asked for', async () => {
    const spoken = await translate('tiny-m2m100', 'a', { src_lang: 'en', tgt_lang: 'fr' });
    expect(await translate('tiny-m2m100', 'a', { tgt_lang: 'fr' })).toEqual(spoken);
    expect(await translate('tiny-m2m100', 'a', { src_lang: 'de', tgt_lang: 'fr' })).not.toEqual(spoken);
  });

  it('takes plain text and JSON Lines', async () => {
    const [hello] = await translate('tiny-t5', 'Hello');
    expect(await (await send('tiny-t5', 'Hello\n', 'text/plain')).json()).toEqual([hello]);
    const lines = await send('tiny-t5', `"Hello"\n${JSON.stringify(TEXT)}\n`, 'application/jsonl');
    expect(await lines.json()).toEqual([hello, (await translate('tiny-t5', TEXT))[0]]);
  });

  it('writes down what an uploaded text says', async () => {
    const key = 'uploads/tiny-t5/letters/first.txt';
    const etag = await serving.data.write(key, 'Hello');
    const s3 = { bucket: { name: 'data' }, object: { key, size: 5, eTag: etag.replaceAll('"', ''), sequencer: '01' } };
    const record = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3 };
    const event = { Records: [{ messageId: '1', body: JSON.stringify({ Records: [record] }) }] };
    const context = { awsRequestId: 'invocation', getRemainingTimeInMillis: () => 30_000 } as Context;
    const options = { bucket: 'data', attempts: 5, queue: createRecordedQueue(), crashNote: NO_CRASH };
    await onUploadHandler(serving, options)(event as SQSEvent, context);
    const { body } = await serving.data.read(`results/tiny-t5/letters/first.txt.json`);
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({
      status: 'succeeded',
      result: await translate('tiny-t5', 'Hello'),
    });
  });

  it('tells in a 504 how many tokens there were when the time was over', async () => {
    let asked = 0;
    const deadline = { remainingMs: () => (++asked <= 12 ? 30_000 : -5) };
    const body = { inputs: [TEXT, 'Hello'], parameters: { ...FRENCH, num_beams: 2 } };
    const response = await send('tiny-nllb', body, 'application/json', { deadline });
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      error: expect.stringMatching(
        /^0 of 2 parts of the request were done: the deadline passed after \d of up to 39 tokens/,
      ),
    });
  });
});

describe('a request that is wrong', () => {
  it.each([
    [422, 'an empty list', 'tiny-t5', { inputs: [] }, 'empty list'],
    [413, 'ten thousand texts', 'tiny-t5', { inputs: Array.from({ length: 10_000 }, () => 'a') }, '10000 texts'],
    [413, 'ten million characters', 'tiny-t5', { inputs: 'a'.repeat(10_000_000) }, 'characters'],
    [422, 'a number among texts', 'tiny-t5', { inputs: ['a', 1] }, 'inputs[1]'],
    [422, 'half a character', 'tiny-t5', '{"inputs": ["a", "\\ud83d"]}', 'inputs[1]'],
    [422, 'bytes that are no UTF-8', 'tiny-t5', Buffer.from([0x61, 0xff]), 'UTF-8'],
    [400, 'an unknown parameter', 'tiny-t5', { inputs: 'a', parameters: { beams: 4 } }, 'num_beams'],
    [400, 'no beams', 'tiny-t5', { inputs: 'a', parameters: { num_beams: 0 } }, '"num_beams" is 0'],
    [400, 'a thousand beams', 'tiny-t5', { inputs: 'a', parameters: { num_beams: 1000 } }, 'from 1 to 32'],
    [400, 'half a token', 'tiny-t5', { inputs: 'a', parameters: { max_new_tokens: 0.5 } }, 'max_new_tokens'],
    [
      400,
      'more tokens than positions',
      'tiny-nllb',
      { inputs: 'a', parameters: { ...FRENCH, max_new_tokens: 128 } },
      '1 to 127',
    ],
    [
      400,
      'no target language',
      'tiny-nllb',
      { inputs: 'a', parameters: { src_lang: 'eng_Latn' } },
      '"tgt_lang" is missing',
    ],
    [
      400,
      'a language in other words',
      'tiny-nllb',
      { inputs: 'a', parameters: { ...FRENCH, tgt_lang: 'fr' } },
      'fra_Latn',
    ],
    [
      400,
      'a language that is no text',
      'tiny-nllb',
      { inputs: 'a', parameters: { ...FRENCH, tgt_lang: 7 } },
      '"tgt_lang" is 7',
    ],
    [
      400,
      'a language named as an object has it',
      'tiny-nllb',
      { inputs: 'a', parameters: { ...FRENCH, tgt_lang: 'toString' } },
      'fra_Latn',
    ],
    [
      400,
      'one of a hundred languages misspelt',
      'tiny-m2m100',
      { inputs: 'a', parameters: { tgt_lang: 'frr' } },
      'takes fr, ',
    ],
    [
      400,
      'a pair that T5 has no prefix for',
      'tiny-t5',
      { inputs: 'a', parameters: { src_lang: 'en', tgt_lang: 'xx' } },
      'en to de, en to fr',
    ],
    [400, 'half a pair', 'tiny-t5', { inputs: 'a', parameters: { tgt_lang: 'fr' } }, 'null and "fr"'],
    [
      400,
      'a source language of Marian',
      'tiny-marian',
      { inputs: 'a', parameters: { src_lang: 'en' } },
      'leave it out',
    ],
    [
      400,
      'a language that Marian does not know',
      'tiny-marian',
      { inputs: 'a', parameters: { tgt_lang: 'ita' } },
      'fra',
    ],
    [
      422,
      'an unknown language in the text',
      'tiny-marian',
      { inputs: ['a', '>>ita<< a'] },
      'inputs[1] begins with ">>ita<<"',
    ],
    [415, 'a picture', 'tiny-t5', new Uint8Array([0xff, 0xd8]), 'image/jpeg'],
  ])('is answered %i: %s', async (status, what, model, body, hint) => {
    const type = body instanceof Uint8Array ? (what === 'a picture' ? 'image/jpeg' : 'text/plain') : 'application/json';
    const response = await send(model, body, type);
    const { error } = (await response.json()) as { error: string };
    expect({ status: response.status, error }).toEqual({ status, error: expect.stringContaining(hint) });
    expect(error.length).toBeLessThan(600);
  });
});

describe('push', () => {
  let folder: string;
  const copy = async (name: string): Promise<void> => {
    folder = await mkdtemp(join(tmpdir(), 'translation-'));
    await cp(findNamed(name), folder, { recursive: true });
  };
  const change = async (file: string, fields: object): Promise<void> => {
    const path = join(folder, file);
    const old = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...old, ...fields }));
  };
  const push = (name = 'changed') => pushModel(serving.repository, folder, { name, promote: true });
  const refusal = async (): Promise<string> => {
    const failure = await push().then(
      () => new Error('it was pushed'),
      (error: Error) => error,
    );
    await rm(folder, { recursive: true });
    return failure.message;
  };

  it.each(MODELS)('recognises %s', async (name) => {
    await copy(name);
    expect(await push()).toMatchObject({ task: 'translation' });
    await rm(folder, { recursive: true });
  });

  it('reads the search from config.json where there is no generation_config.json', async () => {
    await copy('tiny-marian');
    const generation = JSON.parse(await readFile(join(folder, 'generation_config.json'), 'utf8')) as object;
    await rm(join(folder, 'generation_config.json'));
    await change('config.json', generation);
    await push('older');
    expect(await translate('older', TEXT, { tgt_lang: 'fra' })).toEqual(
      await translate('tiny-marian', TEXT, { tgt_lang: 'fra' }),
    );
    await rm(folder, { recursive: true });
  });

  it.each([
    ['a search that is not served', 'tiny-t5', 'generation_config.json', { do_sample: true }, '"do_sample" is true'],
    ['a field that is wrong', 'tiny-t5', 'generation_config.json', { num_beams: -1 }, 'num_beams'],
    ['no start', 'tiny-t5', 'generation_config.json', { decoder_start_token_id: null }, 'decoder_start_token_id'],
    [
      'a token beyond the vocabulary',
      'tiny-t5',
      'generation_config.json',
      { bad_words_ids: [[3], [9999]] },
      '"bad_words_ids" names token 9999',
    ],
    [
      'a pair with a search that is not served',
      'tiny-t5',
      'config.json',
      { task_specific_params: { translation_a_to_b: { do_sample: true } } },
      'do_sample',
    ],
    [
      'a pair that is no object',
      'tiny-t5',
      'config.json',
      { task_specific_params: { translation_a_to_b: 7 } },
      'translation_a_to_b',
    ],
  ])('refuses %s', async (_what, model, file, fields, hint) => {
    await copy(model);
    await change(file, fields);
    expect(await refusal()).toContain(hint);
  });

  it('lets no translation grow longer than the model has positions, whatever the settings say', async () => {
    await copy('tiny-nllb');
    await change('generation_config.json', { max_length: 4000, min_length: 4000 });
    await push('endless');
    const [long] = await translate('endless', TEXT, FRENCH);
    expect(long?.translation_text.length).toBeGreaterThan(100);
    await rm(folder, { recursive: true });
  });

  it('refuses two decoders that are not merged, with the command that merges them', async () => {
    await copy('tiny-t5');
    await rename(join(folder, 'decoder_model_merged.onnx'), join(folder, 'decoder_model.onnx'));
    await cp(join(folder, 'decoder_model.onnx'), join(folder, 'decoder_with_past_model.onnx'));
    expect(await refusal()).toMatch(/decoder_model_merged\.onnx.*optimum-cli export onnx .*-with-past/s);
  });

  it('refuses a decoder without a cache', async () => {
    await copy('tiny-t5');
    await cp(join(folder, 'encoder_model.onnx'), join(folder, 'decoder_model_merged.onnx'));
    expect(await refusal()).toContain('decoder_model_merged.onnx: optimum-cli export onnx');
  });

  it('refuses the tokenizer of another model', async () => {
    await copy('tiny-t5');
    for (const file of ['tokenizer.json', 'tokenizer_config.json'])
      await cp(join(findNamed('tiny-nllb'), file), join(folder, file));
    expect(await refusal()).toMatch(/tokenizer\.json has \d+ tokens, the decoder 30\d/);
  });

  it('refuses a folder without a tokenizer', async () => {
    await copy('tiny-t5');
    for (const file of ['tokenizer.json', 'spiece.model']) await rm(join(folder, file));
    expect(await refusal()).toContain('spiece.model');
  });
});
