import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestServing, findNamed, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const TEXT = 'The river rises in spring when the snow melts in the mountains. Thank you very much for your letter.';

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'tiny-bart');
});
afterAll(() => serving.remove());

const send = (body: unknown, model = 'tiny-bart', init: Parameters<TestServing['fetch']>[1] = {}): Promise<Response> =>
  serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });

const summarise = async (inputs: unknown, parameters: object = {}, model = 'tiny-bart'): Promise<string[]> => {
  const response = await send({ inputs, parameters }, model);
  const answer = (await response.json()) as { summary_text: string }[];
  expect({ status: response.status, answer }).toMatchObject({ status: 200 });
  return answer.map(({ summary_text }) => summary_text);
};

describe('summarization', () => {
  it('answers one text with a list of one, as the Hugging Face inference API', async () => {
    const response = await send({ inputs: TEXT });
    expect(await response.json()).toEqual([{ summary_text: expect.any(String) }]);
  });

  it('answers a list in its order, each text as it is alone', async () => {
    const texts = ['Hello', TEXT, '', 'a', 'How much does this cost?', 'שלום 😀'];
    const alone = [];
    for (const text of texts) alone.push(...(await summarise(text)));
    expect(await summarise(texts)).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(3);
  });

  it('takes the parameters of the search in the request, in "generate_parameters", and as null', async () => {
    const short = await summarise(TEXT, { max_length: 12, min_length: 3, do_sample: false });
    const nested = { generate_parameters: { max_length: 12, min_length: 3, do_sample: false } };
    expect(await summarise(TEXT, nested)).toEqual(short);
    expect(await summarise(TEXT, { max_new_tokens: 11, min_length: 3 })).toEqual(short);
    expect(await summarise(TEXT)).not.toEqual(short);
    expect(await summarise(TEXT, { max_length: null, generate_parameters: null, early_stopping: null })).toEqual(
      await summarise(TEXT),
    );
  });

  it('says which texts were cut, and refuses them when it is asked to', async () => {
    const long = 'word '.repeat(500);
    const response = await send({ inputs: ['Hello', long] });
    expect(await response.json()).toMatchObject([{}, { truncated: true }]);
    expect(response.headers.get('x-truncated-inputs')).toBe('1');
    const refused = await send({ inputs: ['Hello', long], parameters: { truncation: 'do_not_truncate' } });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ error: expect.stringMatching(/^inputs\[1\] has \d+ tokens/) });
  });

  it('tells in a 504 how many tokens there were when the time was over', async () => {
    let asked = 0;
    const deadline = { remainingMs: () => (++asked <= 12 ? 30_000 : -5) };
    const response = await send({ inputs: TEXT }, 'tiny-bart', { deadline });
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({
      error: expect.stringMatching(/passed after \d+ of up to 39 tokens/),
    });
  });
});

describe('a request that is wrong', () => {
  it.each([
    [422, 'an empty list', { inputs: [] }, 'empty list'],
    [422, 'a number', { inputs: 7 }, '"inputs" is 7'],
    [422, 'a text within a list within a list', { inputs: [['a']] }, 'inputs[0]'],
    [413, 'ten million characters', { inputs: 'a'.repeat(10_000_000) }, 'characters'],
    [400, 'a language', { inputs: 'a', parameters: { tgt_lang: 'fr' } }, '"tgt_lang" is unknown'],
    [400, 'sampling', { inputs: 'a', parameters: { do_sample: true } }, '"do_sample" is true'],
    [400, 'a temperature', { inputs: 'a', parameters: { temperature: 1 } }, '"temperature" is unknown'],
    [400, 'no beams', { inputs: 'a', parameters: { num_beams: 0 } }, 'from 1 to 32'],
    [400, 'more tokens than positions', { inputs: 'a', parameters: { max_length: 65 } }, 'from 2 to 64'],
    [400, 'more at least than at most', { inputs: 'a', parameters: { min_length: 30, max_length: 10 } }, '29 tokens'],
    [400, 'a least length beyond all', { inputs: 'a', parameters: { min_new_tokens: 1e9 } }, 'from 0 to 4096'],
    [400, 'a penalty that is a text', { inputs: 'a', parameters: { length_penalty: '2' } }, '"length_penalty" is "2"'],
    [400, 'an end of another kind', { inputs: 'a', parameters: { early_stopping: 1 } }, 'true, false or "never"'],
    [400, 'nested parameters in a list', { inputs: 'a', parameters: { generate_parameters: [] } }, 'an object'],
    [400, 'one in another', { inputs: 'a', parameters: { generate_parameters: { generate_parameters: {} } } }, 'once'],
    [400, 'unknown nested ones', { inputs: 'a', parameters: { generate_parameters: { beams: 2 } } }, '"beams"'],
  ])('is answered %i: %s', async (status, _what, body, hint) => {
    const response = await send(body);
    const { error } = (await response.json()) as { error: string };
    expect({ status: response.status, error }).toEqual({ status, error: expect.stringContaining(hint) });
    expect(error.length).toBeLessThan(700);
  });
});

describe('push', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'summarization-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const copy = async (name: string, config: object): Promise<string> => {
    const path = join(folder, `${name}-${Object.keys(config).join('-')}`);
    await cp(findNamed(name), path, { recursive: true });
    const old = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as object;
    await writeFile(join(path, 'config.json'), JSON.stringify({ ...old, ...config }));
    return path;
  };

  it("puts the prefix of T5's summaries before each text, with their search", async () => {
    const options = { name: 't5', task: 'summarization', promote: true };
    await pushModel(serving.repository, findNamed('tiny-t5'), options);
    await pushModel(serving.repository, findNamed('tiny-t5'), { name: 'plain', task: 'translation', promote: true });
    const parameters = { max_new_tokens: 12 };
    const response = await send({ inputs: `summarize: ${TEXT}`, parameters: { ...parameters, num_beams: 4 } }, 'plain');
    const [{ translation_text }] = (await response.json()) as [{ translation_text: string }];
    expect(await summarise(TEXT, parameters, 't5')).toEqual([translation_text]);
  });

  it.each([
    ['of config.json, where the search for summaries has none', { prefix: 'Hello ' }, 'Hello '],
    ['none, where it is null', { prefix: null, task_specific_params: { summarization: { prefix: null } } }, ''],
  ])('takes the prefix as the pipeline does: %s', async (_what, config, prefix) => {
    const path = await copy('tiny-bart', config);
    const parameters = { num_beams: 1, min_length: 10, max_length: 20, no_repeat_ngram_size: 3 };
    const name = `prefix-${prefix.length}`;
    await pushModel(serving.repository, path, { name, promote: true });
    const [answer, plain] = await summarise([`${prefix}${TEXT}`, TEXT], parameters);
    expect(await summarise(TEXT, parameters, name)).toEqual([answer]);
    expect(answer === plain).toBe(prefix === '');
  });

  it('recognises a T5 whose settings have summaries alone', async () => {
    const path = await copy('tiny-t5', { task_specific_params: { summarization: { prefix: 'summarize: ' } } });
    expect(await pushModel(serving.repository, path, { name: 'recognised' })).toMatchObject({ task: 'summarization' });
  });

  it.each([
    ['a search that is no object', { task_specific_params: { summarization: 7 } }, '"summarization" is no object'],
    ['a search that is not served', { task_specific_params: { summarization: { do_sample: true } } }, 'do_sample'],
  ])('refuses %s', async (_what, config, hint) => {
    const path = await copy('tiny-bart', config);
    await expect(pushModel(serving.repository, path, { name: 'refused' })).rejects.toThrow(hint);
  });
});
