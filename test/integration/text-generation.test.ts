import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NEVER } from '../../src/core/deadline.ts';
import { startStopwatch } from '../../src/core/stopwatch.ts';
import { predict } from '../../src/serving/predict.ts';
import { openStream } from '../../src/serving/stream.ts';
import type { Observation, Step } from '../../src/serving/telemetry.ts';
import { createTask } from '../../src/tasks/index.ts';
import { writeDecoderModel } from '../bench/decoder-model.ts';
import { askForText, type GeneratedAnswer, readTextGeneration } from '../support/parity/text-generation.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const TEXT = 'The weather is fine today, and we are going to the market.';

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['tiny-llama', 'tiny-gpt2', 'tiny-qwen3']) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const observation = (): Observation => ({
  ...{ requestId: 'r', operation: 'a test', stopwatch: startStopwatch<Step>(), batchSize: 1, failures: [] },
});

const send = (model: string, body: unknown, init: object = {}): Promise<Response> =>
  serving.fetch(`/models/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...('accept' in init && { accept: String(init.accept) }) },
    body: JSON.stringify(body),
    ...init,
  });

const ask = async (inputs: unknown, parameters: object = {}, model = 'tiny-llama'): Promise<GeneratedAnswer> => {
  const [answer] = await askForText(serving, model, inputs, parameters);
  if (answer === undefined) throw new Error('there is no answer');
  return answer;
};

const idsOf = ({ details }: GeneratedAnswer): number[] => details.tokens.map(({ id }) => id);

describe('text generation', () => {
  it('answers one text with a list of one, and a list in its order, each text as alone', async () => {
    const texts = ['Hello', TEXT, '', 'שלום 😀'];
    const together = await askForText(serving, 'tiny-llama', texts);
    const alone = [];
    for (const text of texts) alone.push(...(await askForText(serving, 'tiny-llama', text)));
    expect(together.map((answer) => answer.generated_text)).toEqual(alone.map((answer) => answer.generated_text));
    expect(together.map(idsOf)).toEqual(alone.map(idsOf));
    const plain = await (await send('tiny-llama', { inputs: 'Hello' })).json();
    expect(plain).toEqual([{ generated_text: expect.any(String) }]);
  });

  it('takes the numbers of tokens', async () => {
    const { models } = await readTextGeneration();
    const [first] = models['tiny-llama'] ?? [];
    expect(idsOf(await ask({ tokens: first?.input_ids }))).toEqual(first?.ids);
  });

  it('puts the text before the answer when it is asked to', async () => {
    const { generated_text: answer } = await ask(TEXT);
    expect((await ask(TEXT, { return_full_text: true })).generated_text).toBe(TEXT + answer);
  });

  it('streams the same answer, a chunk for each token', async () => {
    const whole = await ask(TEXT);
    const response = await send(
      'tiny-llama',
      { inputs: TEXT, parameters: { max_new_tokens: 20, details: true } },
      { headers: { accept: 'text/event-stream', 'content-type': 'application/json' } },
    );
    const chunks = (await response.text())
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.replace(/^data: /, '')));
    expect(chunks.map(({ index }) => index)).toEqual(whole.details.tokens.map((_token, index) => index));
    expect(chunks.map(({ token }) => token)).toEqual(whole.details.tokens);
    expect(chunks.map(({ token }) => token.text).join('')).toBe(whole.generated_text);
    const { tokens, ...details } = whole.details;
    expect(chunks.at(-1)).toMatchObject({
      generated_text: whole.generated_text,
      details: { ...details, cached_tokens: expect.any(Number) },
    });
    expect(
      chunks.slice(0, -1).every(({ details: own, generated_text }) => own === null && generated_text === null),
    ).toBe(true);
  });

  it('streams for `"stream": true` beside the inputs, as Hugging Face\'s clients send it', async () => {
    const streamed = await send('tiny-llama', { inputs: TEXT, stream: true, parameters: { max_new_tokens: 2 } });
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    expect((await streamed.text()).match(/^data: /gm)).toHaveLength(2);
    const whole = await send('tiny-llama', { inputs: TEXT, stream: false, parameters: { max_new_tokens: 2 } });
    expect(await whole.json()).toEqual([{ generated_text: expect.any(String) }]);
    const wrong = await send('tiny-llama', { inputs: TEXT, stream: 'yes' });
    expect([wrong.status, await wrong.json()]).toMatchObject([
      400,
      { error: expect.stringMatching(/"stream" is "yes"/) },
    ]);
  });

  it('runs no further when the reader of a stream stops', async () => {
    const call = {
      ...{ reference: { name: 'tiny-gpt2' }, as: 'task' as const, deadline: NEVER, observation: observation() },
      payloads: [async () => ({ inputs: TEXT, parameters: { max_new_tokens: 60 } })],
    };
    const streamed = await openStream(serving, call);
    const seen: unknown[] = [];
    for await (const chunk of streamed?.chunks ?? []) if (seen.push(chunk) === 2) break;
    expect(seen).toHaveLength(2);
    expect((await ask(TEXT, { max_new_tokens: 3 }, 'tiny-gpt2')).details.generated_tokens).toBe(3);
  });

  it('answers two streams in turn, each as alone', async () => {
    const streamed = async (inputs: string) => {
      const call = {
        ...{ reference: { name: 'tiny-llama' }, as: 'task' as const, deadline: NEVER, observation: observation() },
        payloads: [async () => ({ inputs, parameters: { max_new_tokens: 20 } })],
      };
      return (await openStream(serving, call))?.chunks[Symbol.asyncIterator]();
    };
    const readers = [await streamed(TEXT), await streamed('Hello')];
    const texts = ['', ''];
    for (let open = 2; open > 0; ) {
      open = 0;
      for (const [index, reader] of readers.entries()) {
        const step = await reader?.next();
        if (step === undefined || step.done) continue;
        open += 1;
        texts[index] += (step.value as { token: { text: string } }).token.text;
      }
    }
    expect(texts).toEqual([(await ask(TEXT)).generated_text, (await ask('Hello')).generated_text]);
  });

  it('ends a stream that it began, although its model is to go', async () => {
    const call = {
      ...{ reference: { name: 'tiny-gpt2' }, as: 'task' as const, deadline: NEVER, observation: observation() },
      payloads: [async () => ({ inputs: 'Hello', parameters: { max_new_tokens: 5, min_new_tokens: 5 } })],
    };
    const streamed = await openStream(serving, call);
    const dropped = serving.models.drop('tiny-gpt2', NEVER);
    const seen: unknown[] = [];
    for await (const chunk of streamed?.chunks ?? []) seen.push(chunk);
    await dropped;
    expect(seen).toHaveLength(5);
    expect((await ask('Hello', { max_new_tokens: 5, min_new_tokens: 5 }, 'tiny-gpt2')).details.generated_tokens).toBe(
      5,
    );
  });

  it('counts the tokens that it read and made', async () => {
    const { outcomes } = await predict(serving, {
      ...{ reference: { name: 'tiny-llama' }, as: 'task', deadline: NEVER, observation: observation() },
      payloads: [async () => ({ inputs: 'Hello', parameters: { max_new_tokens: 3 } })],
    });
    const [outcome] = outcomes;
    const usage = outcome?.status === 'fulfilled' && outcome.value.kind === 'json' ? outcome.value.usage : undefined;
    expect(usage).toEqual({ promptTokens: (await ask('Hello')).details.input_length, answerTokens: 3 });
  });

  it('ends before a stop text, wherever its tokens begin and end', async () => {
    const { generated_text: whole } = await ask(TEXT);
    const characters = [...whole];
    for (let start = 1; start + 3 < characters.length; start += 3) {
      const stop = characters.slice(start, start + 3).join('');
      const { generated_text, details } = await ask(TEXT, { stop: [stop, 'never there'] });
      expect(generated_text).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(details.finish_reason).toBe('stop_sequence');
    }
  });

  it('tells why it ended, and counts tokens', async () => {
    const { models } = await readTextGeneration();
    const ended = models['tiny-qwen3']?.find(({ ids }) => ids.length > 2 && ids.length < 20);
    const answer = await ask(ended?.prompt, {}, 'tiny-qwen3');
    expect(answer.details).toMatchObject({
      finish_reason: 'eos_token',
      generated_tokens: ended?.ids.length,
      seed: null,
    });
    expect((await ask(TEXT, { max_new_tokens: 4 })).details).toMatchObject({
      finish_reason: 'length',
      generated_tokens: 4,
    });
    const longer = await ask(ended?.prompt, { min_new_tokens: 20 }, 'tiny-qwen3');
    expect(longer.details).toMatchObject({ finish_reason: 'length', generated_tokens: 20 });
  });

  it('answers with the penalties of transformers', async () => {
    const { penalties } = await readTextGeneration();
    const parameters = penalties.filter(
      ({ options }) => 'repetition_penalty' in options || 'min_new_tokens' in options,
    );
    expect(parameters.length).toBeGreaterThan(5);
    for (const { options, prompt, ids } of parameters) expect(idsOf(await ask(prompt, options))).toEqual(ids);
  });

  it('answers with the settings of generation_config.json that transformers knows', async () => {
    const { penalties } = await readTextGeneration();
    const root = await mkdtemp(join(tmpdir(), 'generation-config-'));
    for (const [index, settings] of Map.groupBy(penalties, ({ options }) => JSON.stringify(options))) {
      const folder = join(root, 'model');
      await cp('test/fixtures/models/tiny-llama', folder, { recursive: true });
      const own = JSON.parse(await readFile(join(folder, 'generation_config.json'), 'utf8'));
      await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ ...own, ...JSON.parse(index) }));
      const { version } = await pushModel(serving.repository, folder, { name: 'tiny-settings' });
      for (const { prompt, ids } of settings) {
        const [answer] = await askForText(serving, `tiny-settings/versions/${version}`, prompt);
        expect(answer && idsOf(answer)).toEqual(ids);
      }
    }
    await rm(root, { recursive: true });
  });

  it('biases tokens, and lowers those that were there', async () => {
    const ids = idsOf(await ask(TEXT));
    const [first = 0] = ids;
    expect(idsOf(await ask(TEXT, { logit_bias: { [first]: -100 } }))).not.toContain(first);
    expect(new Set(idsOf(await ask(TEXT, { logit_bias: { 77: 100 } })))).toEqual(new Set([77]));
    const once = idsOf(await ask(TEXT, { presence_penalty: 2, frequency_penalty: 2, logit_bias: { 77: 3 } }));
    expect(once).not.toEqual(idsOf(await ask(TEXT, { logit_bias: { 77: 3 } })));
  });

  it('draws by a seed: the same twice, another with another seed', async () => {
    const sampled = { temperature: 1.2, seed: 7 };
    const first = await ask(TEXT, sampled);
    expect(first.details.seed).toBe(7);
    expect(idsOf(await ask(TEXT, sampled))).toEqual(idsOf(first));
    expect(idsOf(await ask(TEXT, { ...sampled, seed: 8 }))).not.toEqual(idsOf(first));
    const chosen = await ask(TEXT, { do_sample: true, temperature: 5 });
    const again = await ask(TEXT, { do_sample: true, temperature: 5, seed: chosen.details.seed });
    expect(idsOf(again)).toEqual(idsOf(chosen));
    expect(idsOf(await ask(TEXT, { temperature: 0 }))).toEqual(idsOf(await ask(TEXT)));
  });

  it('tells the likeliest tokens at each place', async () => {
    const { details } = await ask(TEXT, { top_n_tokens: 3 });
    const tops = details.top_tokens ?? [];
    expect(tops.map((top) => top.length)).toEqual(details.tokens.map(() => 3));
    tops.forEach((top, index) => {
      expect(top[0]).toMatchObject({ id: details.tokens[index]?.id, logprob: details.tokens[index]?.logprob });
      expect(top.map(({ logprob }) => logprob)).toEqual(top.map(({ logprob }) => logprob).toSorted((a, b) => b - a));
    });
  });
});

describe('log-probabilities of the text itself', () => {
  it('are those of PyTorch, and the answer is the same', async () => {
    const { models } = await readTextGeneration();
    for (const name of ['tiny-llama', 'tiny-gpt2', 'tiny-qwen3'])
      for (const { input_ids, ids, logprobs } of (models[name] ?? []).slice(0, 4)) {
        if (typeof input_ids === 'number') throw new Error('the text has no tokens');
        const tokens = [...input_ids, ...ids];
        const parameters = { max_new_tokens: 3, min_new_tokens: 3 };
        const { details } = await ask({ tokens }, { ...parameters, decoder_input_details: true }, name);
        expect(details.prefill?.map(({ id }) => id)).toEqual(tokens);
        expect(details.prefill?.[0]?.logprob).toBeNull();
        const scored = details.prefill?.slice(input_ids.length).map(({ logprob }) => logprob ?? Number.NaN);
        for (const [index, expected] of logprobs.entries())
          expect(Math.abs((scored?.[index] ?? Number.NaN) - expected)).toBeLessThanOrEqual(1e-4);
        const plain = await ask({ tokens }, { ...parameters, cache_prompt: false }, name);
        expect(details.tokens.map(({ id }) => id)).toEqual(idsOf(plain));
        expect(plain.details).not.toHaveProperty('prefill');
      }
  });

  it('are refused in a stream, and end at the deadline with the tokens that were scored', async () => {
    const parameters = { decoder_input_details: true };
    const streamed = await send('tiny-llama', { inputs: TEXT, stream: true, parameters });
    expect([streamed.status, await streamed.json()]).toMatchObject([
      400,
      { error: expect.stringMatching(/"decoder_input_details" is for answers in one piece/) },
    ]);
    let looks = 0;
    const deadline = { remainingMs: () => (looks++ < 6 ? 1_000 : -1) };
    const { outcomes } = await predict(serving, {
      ...{ reference: { name: 'tiny-llama' }, as: 'task', deadline, observation: observation() },
      payloads: [async () => ({ inputs: TEXT, parameters })],
    });
    expect(String(outcomes[0]?.status === 'rejected' && outcomes[0].reason)).toMatch(
      /passed after \d of up to \d+ tokens/,
    );
  });
});

describe('what an earlier text computed', () => {
  const turn = `${TEXT} ${TEXT} `;

  it('helps a text that begins alike, with the same answer', async () => {
    const without = await ask(`${turn}And then?`, { cache_prompt: false });
    expect(without.details.cached_tokens).toBe(0);
    const { details } = await ask(turn, { max_new_tokens: 1 });
    const cached = await ask(`${turn}And then?`);
    expect(cached.details.cached_tokens).toBeGreaterThan(details.input_length / 2);
    expect(idsOf(cached)).toEqual(idsOf(without));
    cached.details.tokens.forEach(({ logprob }, index) => {
      expect(logprob).toBeCloseTo(without.details.tokens[index]?.logprob ?? 0, 3);
    });
  });

  it('serves no other caller', async () => {
    const asked = async (caller: string | undefined): Promise<number> => {
      const { outcomes } = await predict(serving, {
        ...{ reference: { name: 'tiny-llama' }, as: 'task', deadline: NEVER, caller, observation: observation() },
        payloads: [
          async () => ({ inputs: `A secret of ada: ${turn}`, parameters: { details: true, max_new_tokens: 1 } }),
        ],
      });
      const [outcome] = outcomes;
      if (outcome?.status !== 'fulfilled' || outcome.value.kind !== 'json') throw new Error('there is no answer');
      return (outcome.value.value as GeneratedAnswer[])[0]?.details.cached_tokens ?? -1;
    };
    expect(await asked('ada')).toBe(0);
    expect(await asked('bob')).toBe(0);
    expect(await asked(undefined)).toBe(0);
    expect(await asked('ada')).toBeGreaterThan(50);
  });
});

describe('a large decoder', () => {
  it('is baked, computes logits of the last token alone, and answers as it does as it came', async () => {
    const root = await mkdtemp(join(tmpdir(), 'decoder-'));
    // Products in 8 bits would round a difference of the last bit to another step.
    await writeDecoderModel(root, { layers: 2, vocabulary: 400, products: 'float32' });
    await pushModel(serving.repository, root, { name: 'plain', bake: false });
    const { notes } = await pushModel(serving.repository, root, { name: 'baked' });
    await rm(root, { recursive: true });
    const logitsOf = async (name: string) => {
      const { graphs } = await serving.repository.bundle(name, 1);
      return [
        graphs.model?.baked !== undefined,
        graphs.model?.signature.outputs.find((output) => output.name === 'logits')?.shape,
      ];
    };
    expect(notes).toEqual([expect.stringMatching(/its cache takes up to 12.3 MB of memory for 1,000 tokens/)]);
    expect(await logitsOf('plain')).toEqual([false, ['batch_size', 'tokens', 400]]);
    expect(await logitsOf('baked')).toEqual([true, ['steps', 1, 400]]);
    const long = { tokens: Array.from({ length: 700 }, (_, index) => (index * 7) % 400) };
    const scored = { tokens: long.tokens.slice(0, 100) };
    const scores = async (name: string) =>
      (await ask(scored, { decoder_input_details: true, max_new_tokens: 1 }, name)).details.prefill ?? [];
    const [expected, actual] = [await scores('plain'), await scores('baked')];
    expect(actual).toHaveLength(100);
    for (const [index, { logprob }] of actual.entries())
      expect(logprob ?? 0).toBeCloseTo(expected[index]?.logprob ?? 0, 3);
    const [plain, baked] = [await ask(long, {}, 'plain'), await ask(long, {}, 'baked')];
    expect(idsOf(baked)).toEqual(idsOf(plain));
    baked.details.tokens.forEach(({ logprob }, index) => {
      expect(logprob).toBeCloseTo(plain.details.tokens[index]?.logprob ?? 0, 3);
    });
  });

  /** From 64 tokens on, the cache is in two parts. */
  const prompt = { tokens: Array.from({ length: 60 }, (_, index) => 300 + index) };
  const forty = { max_new_tokens: 40, min_new_tokens: 40, cache_prompt: false, top_n_tokens: 2 };
  const sampled = { temperature: 0.9, top_k: 20, top_p: 0.95, seed: 3 };

  it.each([
    ['the likeliest tokens', {}],
    ['sampled tokens', sampled],
    ['sampled tokens of all', { temperature: 1.3, seed: 4 }],
    ['sampled tokens with a least part', { temperature: 0.7, min_p: 0.1, seed: 5 }],
    ['penalties', { ...sampled, repetition_penalty: 1.3, frequency_penalty: 0.5, presence_penalty: 0.5 }],
    ['a bias', { logit_bias: { 301: 3, 302: -100 } }],
    ['an answer that may end', { ...sampled, min_new_tokens: 0, logit_bias: { 0: 4 } }],
    ['a stop text', { stop: [' w31'] }],
  ])('answers in runs of several steps as step by step: %s', async (_name, parameters) => {
    const [plain, baked] = [
      await ask(prompt, { ...forty, ...parameters }, 'plain'),
      await ask(prompt, { ...forty, ...parameters }, 'baked'),
    ];
    expect(idsOf(baked)).toEqual(idsOf(plain));
    expect(baked.generated_text).toBe(plain.generated_text);
    expect(baked.details.finish_reason).toBe(plain.details.finish_reason);
    baked.details.tokens.forEach(({ logprob }, index) => {
      expect(logprob).toBeCloseTo(plain.details.tokens[index]?.logprob ?? 0, 4);
    });
  });

  it('keeps what is true of a run whose tokens were not all taken', async () => {
    const plain = await ask(prompt, forty, 'plain');
    for (const length of [3, 6, 12, 25]) {
      const start = { tokens: [...prompt.tokens, ...idsOf(plain).slice(0, length)] };
      const stop = ` w${idsOf(plain)[length]}`;
      await ask(prompt, { max_new_tokens: 40, min_new_tokens: 40, stop: [stop] }, 'baked');
      const known = await ask(start, { ...forty, cache_prompt: true }, 'baked');
      expect(known.details.cached_tokens).toBeGreaterThanOrEqual(prompt.tokens.length);
      expect(idsOf(known)).toEqual(idsOf(await ask(start, forty, 'plain')));
    }
  });
});

describe('what does not fit', () => {
  it('is refused with its numbers, and never cut', async () => {
    const long = await send('tiny-gpt2', { inputs: 'word '.repeat(200) });
    expect([long.status, await long.json()]).toMatchObject([422, { error: expect.stringMatching(/takes 128 in all/) }]);
    const asked = await send('tiny-gpt2', { inputs: 'a', parameters: { max_new_tokens: 128 } });
    expect([asked.status, await asked.json()]).toMatchObject([
      422,
      { error: expect.stringMatching(/1 tokens.*128 new.*129/) },
    ]);
    const rest = await askForText(serving, 'tiny-gpt2', 'a', { max_new_tokens: 'rest', min_new_tokens: 127 });
    expect(rest[0]?.details.generated_tokens).toBe(127);
  });

  it('into the memory is refused with the bytes, and smaller answers are not', async () => {
    const bundle = await serving.repository.bundle('tiny-llama', 1);
    const task = await createTask(bundle);
    // 2 layers of keys and values in 2 heads of 8 numbers are 256 bytes a token; they exist four times.
    const predictWith = (freeTokens: number, requests: readonly object[]) =>
      serving.models.use(bundle, NEVER, ({ graphs, resources }) =>
        task.predict(
          requests.map((parameters) =>
            task.decode({ inputs: { tokens: [1, 2, 3, 4] }, parameters: { ...parameters } }),
          ),
          { graphs, resources, maxBatch: 1, deadline: NEVER, freeBytes: () => 4 * 256 * freeTokens },
          () => {},
        ),
      );
    const outcomes = await predictWith(10, [
      { max_new_tokens: 7 },
      { max_new_tokens: 6 },
      { max_new_tokens: 'rest', details: true },
      {},
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    const [refused] = outcomes;
    expect(refused?.status === 'rejected' && refused.reason).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringMatching(
        /prompt has 4 tokens.*7 new ones they are 11, which take 11.3 kB.*room for 10 tokens \(10.2 kB\)/,
      ),
    });
    expect((await predictWith(3, [{}]))[0]).toMatchObject({
      status: 'rejected',
      reason: { code: 'PAYLOAD_TOO_LARGE' },
    });
  });

  it('into the time is a 504 that tells how many tokens there were', async () => {
    let looks = 0;
    const deadline = { remainingMs: () => (looks++ < 6 ? 1_000 : -1) };
    const { outcomes } = await predict(serving, {
      ...{ reference: { name: 'tiny-llama' }, as: 'task', deadline, observation: observation() },
      payloads: [async () => ({ inputs: TEXT, parameters: { max_new_tokens: 50, min_new_tokens: 50 } })],
    });
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { code: 'DEADLINE_EXCEEDED' } });
    expect(String(outcomes[0]?.status === 'rejected' && outcomes[0].reason)).toMatch(
      /passed after \d of up to 50 tokens/,
    );
  });
});

describe('a wrong request', () => {
  it.each([
    [
      'no tokens',
      { inputs: 'a', parameters: { max_new_tokens: 0 } },
      400,
      /"max_new_tokens" is 0, expected an integer/,
    ],
    ['fewer than none', { inputs: 'a', parameters: { max_new_tokens: -1 } }, 400, /"max_new_tokens" is -1/],
    ['too many tokens', { inputs: 'a', parameters: { max_new_tokens: 1e9 } }, 400, /"max_new_tokens" is 1000000000/],
    [
      'a negative temperature',
      { inputs: 'a', parameters: { temperature: -1 } },
      400,
      /"temperature" is -1, expected a number from 0/,
    ],
    [
      'a temperature that is no number',
      { inputs: 'a', parameters: { temperature: 'NaN' } },
      400,
      /"temperature" is "NaN"/,
    ],
    ['a share over 1', { inputs: 'a', parameters: { top_p: 1.5 } }, 400, /"top_p" is 1.5/],
    ['half a token', { inputs: 'a', parameters: { top_k: 2.5 } }, 400, /"top_k" is 2.5/],
    [
      'a thousand stops',
      { inputs: 'a', parameters: { stop: Array(1_000).fill('x') } },
      400,
      /"stop" has 1000 texts, at most 16/,
    ],
    ['an empty stop', { inputs: 'a', parameters: { stop: '' } }, 400, /"stop" has "", expected texts/],
    [
      'a bias of no token',
      { inputs: 'a', parameters: { logit_bias: { 99999: 1 } } },
      400,
      /names token 99999, which is not in/,
    ],
    ['a bias by text', { inputs: 'a', parameters: { logit_bias: { hello: 1 } } }, 400, /"logit_bias" has "hello"/],
    ['a bias beyond all', { inputs: 'a', parameters: { logit_bias: { 1: 1e6 } } }, 400, /a bias from -100 to 100/],
    ['a list of biases', { inputs: 'a', parameters: { logit_bias: [1] } }, 400, /"logit_bias" is .*expected an object/],
    ['a seed that is no integer', { inputs: 'a', parameters: { seed: 'x' } }, 400, /"seed" is "x"/],
    [
      'details of a text that are no yes or no',
      { inputs: 'a', parameters: { decoder_input_details: 'yes' } },
      400,
      /"decoder_input_details" is "yes"/,
    ],
    ['too many likely tokens', { inputs: 'a', parameters: { top_n_tokens: 21 } }, 400, /"top_n_tokens" is 21/],
    ['a parameter of beam search', { inputs: 'a', parameters: { num_beams: 4 } }, 400, /"num_beams" is unknown/],
    [
      'several answers',
      { inputs: 'a', parameters: { num_return_sequences: 100 } },
      400,
      /"num_return_sequences" is unknown/,
    ],
    ['no text', { inputs: null }, 422, /"inputs" is null, expected a text/],
    ['an empty list', { inputs: [] }, 422, /empty list/],
    ['half a character', { inputs: 'a\ud800' }, 422, /lone surrogate/],
    ['tokens that there are not', { inputs: { tokens: [1, 1e6] } }, 422, /token 1000000 is not in the vocabulary/],
    ['tokens that are no numbers', { inputs: { tokens: ['a'] } }, 422, /"tokens" is .*expected a list/],
    ['a megabyte', { inputs: 'x '.repeat(700_000) }, 413, /at most 1048576 characters/],
    ['more than the context', { inputs: 'x y '.repeat(3_000) }, 422, /this model takes 4096 in all/],
  ])('is refused: %s', async (_name, body, status, message) => {
    const response = await send('tiny-llama', body);
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([status, expect.stringMatching(message)]);
  });

  it('is refused before a stream begins, and a stream takes one text', async () => {
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' };
    const two = await send('tiny-llama', { inputs: ['a', 'b'] }, { headers });
    expect([two.status, await two.json()]).toMatchObject([
      422,
      { error: expect.stringMatching(/a stream answers one text/) },
    ]);
    const long = await send('tiny-llama', { inputs: 'x y '.repeat(3_000) }, { headers });
    expect(long.status).toBe(422);
  });
});
