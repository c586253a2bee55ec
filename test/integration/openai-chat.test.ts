import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { deadlineAt, NEVER } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { authoriseByScopes } from '../../src/http/authorise.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { createTokenizer } from '../../src/media/text/tokenizer.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { promote } from '../../src/repository/routing/rollout.ts';
import { pushChatModel } from '../support/chat-model.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  await pushChatModel(serving.repository, 'chat');
  await pushChatModel(serving.repository, 'strict', 'mistral');
  await pushChatModel(serving.repository, 'tools', 'qwen-2.5');
  for (const name of ['tiny-llama', 'iris']) await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

interface Choice {
  readonly index: number;
  readonly text: string;
  readonly message: { readonly content: string };
  readonly finish_reason: string;
}
interface Completion {
  readonly choices: readonly Choice[];
  readonly usage: Record<'prompt_tokens' | 'completion_tokens' | 'total_tokens', number>;
}
interface Chunk {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly text?: string;
    readonly delta?: { readonly content?: string; readonly role?: string };
    readonly logprobs?: { readonly tokens: readonly string[]; readonly text_offset: readonly number[] } | null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Completion['usage'] | null;
}

const tool = (parameters?: object) => ({ tools: [{ type: 'function', function: { name: 'clock', parameters } }] });
const CLOCK = tool();
const named = (name: string) => ({ type: 'function', function: { name } });
const HELLO = [{ role: 'user', content: 'Hello there' }];
const post = (path: string, document: unknown, remainingMs = 300_000): Promise<Response> =>
  serving.fetch(path, {
    ...{ method: 'POST', body: JSON.stringify(document), headers: { 'content-type': 'application/json' } },
    deadline: deadlineAt(Date.now() + remainingMs),
  });
const chat = (document: Record<string, unknown>): Promise<Response> =>
  post('/v1/chat/completions', { model: 'chat', messages: HELLO, max_tokens: 8, ...document });
const complete = (document: Record<string, unknown>): Promise<Response> =>
  post('/v1/completions', { model: 'chat', prompt: 'Once', max_tokens: 8, ...document });
const answer = async (response: Promise<Response>): Promise<Completion> =>
  (await (await response).json()) as Completion;

/** The chunks of a stream, which ends as OpenAI's do. */
const chunksOf = async (response: Promise<Response>): Promise<Chunk[]> => {
  const events = (await (await response).text()).split('\n\n');
  expect(events.slice(-2)).toEqual(['data: [DONE]', '']);
  return events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')) as Chunk);
};

describe('POST /v1/chat/completions', () => {
  it('answers as the task does for the prompt of the template', async () => {
    const { choices, usage, ...others } = await answer(chat({ temperature: 0 }));
    const text = '<|im_start|>user\nHello there<|im_end|>\n<|im_start|>assistant\n';
    const tokenizer = createTokenizer(
      JSON.parse(await readFile('test/fixtures/models/tiny-llama/tokenizer.json', 'utf8')),
      JSON.parse(await readFile('test/fixtures/models/tiny-llama/tokenizer_config.json', 'utf8')),
    );
    const tokens = tokenizer.encode(text, { addSpecialTokens: false }).ids;
    const parameters = { max_new_tokens: 8, do_sample: false };
    const [expected] = (await (await post('/models/chat', { inputs: { tokens }, parameters })).json()) as {
      generated_text: string;
    }[];
    expect(choices).toEqual([
      {
        ...{ index: 0, logprobs: null, finish_reason: 'length' },
        message: { role: 'assistant', content: expected?.generated_text, refusal: null },
      },
    ]);
    expect(usage).toMatchObject({
      ...{ prompt_tokens: tokens.length, completion_tokens: 8, total_tokens: tokens.length + 8 },
    });
    expect(others).toEqual({
      ...{ id: expect.stringMatching(/^chatcmpl-/), object: 'chat.completion', created: expect.any(Number) },
      ...{ model: 'chat', system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) },
    });
    expect(expected?.generated_text.length).toBeGreaterThan(0);
  });

  it('streams the same answer, and its usage when asked for it', async () => {
    const whole = await answer(chat({ temperature: 0 }));
    const chunks = await chunksOf(chat({ temperature: 0, stream: true, stream_options: { include_usage: true } }));
    const deltas = chunks.flatMap(({ choices }) => choices);
    expect(deltas[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(deltas.map(({ delta }) => delta?.content ?? '').join('')).toBe(whole.choices[0]?.message.content);
    expect(deltas.at(-1)).toMatchObject({ delta: {}, finish_reason: 'length' });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    const usages = chunks.map(({ usage }) => usage);
    const { prompt_tokens_details: _, ...usage } = whole.usage as Record<string, unknown>;
    expect(usages).toEqual([...usages.slice(1).map(() => null), expect.objectContaining(usage)]);
    expect(serving.observations.at(-1)).toMatchObject({
      ...{ operation: 'POST /v1/chat/completions', firstChunkMs: expect.any(Number), failures: [] },
      usage: { promptTokens: whole.usage.prompt_tokens, answerTokens: 8 },
    });
  });

  it('has no usage in a stream that nobody asked it of', async () => {
    for (const chunk of await chunksOf(chat({ stream: true }))) expect(chunk).not.toHaveProperty('usage');
  });

  it('gives the same answer for the same seed, and other choices for the seeds after it', async () => {
    const ask = (seed: number, n: number) => answer(chat({ seed, n, temperature: 2, max_tokens: 12 }));
    const [three, again, second] = [await ask(7, 3), await ask(7, 3), await ask(8, 1)];
    expect(three.choices).toEqual(again.choices);
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(three.choices[1]?.message).toEqual(second.choices[0]?.message);
    expect(new Set(three.choices.map(({ message }) => message.content)).size).toBe(3);
    expect(three.usage).toMatchObject({ completion_tokens: 36, prompt_tokens: second.usage.prompt_tokens });
    const chunks = await chunksOf(chat({ seed: 7, n: 3, temperature: 2, max_tokens: 12, stream: true }));
    for (const { index, message } of three.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(own.map(({ delta }) => delta?.content ?? '').join('')).toBe(message.content);
    }
  });

  it('chooses one version for all choices, also when the routing changes between them', async () => {
    const { repository, router, models, clock } = serving;
    await pushChatModel(repository, 'moving');
    const response = await chat({ model: 'moving', n: 3, stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    await pushChatModel(repository, 'moving');
    await changeRouting(repository, 'moving', { action: 'promote', by: 'a test' }, promote(2));
    const later = async () => (await chat({ model: 'moving' })).headers.get('x-model-version');
    clock.nowMs += 60_000;
    await later();
    await serving.idle();
    expect(await later()).toBe('2');
    const [route, acquire] = [jest.spyOn(router, 'route'), jest.spyOn(models, 'acquire')];
    while (reader && !(await reader.read()).done);
    expect(route).not.toHaveBeenCalled();
    expect(acquire.mock.calls.map(([{ version }]) => version)).toEqual([1, 1]); // the second choice and the third
    jest.restoreAllMocks();
  });

  it('ends before a stop text, and tells the likeliest tokens', async () => {
    const whole = (await answer(chat({ temperature: 0 }))).choices[0]?.message.content ?? '';
    const stop = whole.slice(2, 3);
    const { choices } = await answer(chat({ temperature: 0, stop, logprobs: true, top_logprobs: 2 }));
    expect(choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: whole.slice(0, whole.indexOf(stop)) },
    });
    const { logprobs } = choices[0] as unknown as {
      logprobs: { content: { logprob: number; top_logprobs: unknown[] }[] };
    };
    for (const { logprob, top_logprobs } of logprobs.content) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(2);
    }
  });

  it.each<[string, unknown]>([
    [
      'a developer, parts of text, nulls and a name',
      [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'Hello' },
            { type: 'text', text: 'there' },
          ],
        },
      ],
    ],
    ['an empty text', [{ role: 'user', content: '' }]],
    [
      'an answer of before that refused, and one with an empty list of calls',
      [
        ...HELLO,
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        ...HELLO,
        { role: 'assistant', content: null, tool_calls: [] },
        ...HELLO,
      ],
    ],
    ['emoji, right-to-left text and special tokens', [{ role: 'user', content: '👩‍👩‍👧 שלום </s><s>' }]],
  ])('takes %s', async (_what, messages) => {
    expect((await chat({ messages, n: null, stop: null })).status).toBe(200);
  });

  it('gives calls of functions and their results to the template', async () => {
    const tools = [{ type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } }];
    const call = { id: 'call_1', type: 'function', function: { name: 'clock', arguments: '{"zone": "CET"}' } };
    const messages = [
      { role: 'user', content: 'What time is it?' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '12:00' },
    ];
    const tokens = async (document: Record<string, unknown>): Promise<number> =>
      (await answer(chat({ model: 'tools', messages, ...document }))).usage.prompt_tokens;
    const [without, with_, none] = [
      await tokens({}),
      await tokens({ tools }),
      await tokens({ tools, tool_choice: 'none' }),
    ];
    expect(with_).toBeGreaterThan(without + 50);
    expect(none).toBe(without);
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no messages', { messages: undefined }, 400, '"messages"'],
    ['an empty list', { messages: [] }, 400, '"messages" is []'],
    ['a message that is none', { messages: ['Hello'] }, 422, 'messages[0]'],
    ['an unknown role', { messages: [{ role: 'king', content: 'a' }] }, 422, '"king"'],
    ['no content', { messages: [{ role: 'user' }] }, 422, '"content"'],
    ['half of a character', { messages: [{ role: 'user', content: '\ud800' }] }, 422, 'half of a character'],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      422,
      'text alone',
    ],
    [
      'many marks on a letter',
      { messages: [{ role: 'user', content: `a${'\u0301'.repeat(300)}` }] },
      422,
      '300 combining marks',
    ],
    [
      'arguments that are no JSON',
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: '{' } }] }] },
      422,
      '"arguments"',
    ],
    [
      'a prompt that is too long',
      { messages: [{ role: 'user', content: 'word '.repeat(9_000) }] },
      422,
      'takes 4096 in all',
    ],
    [
      'a prompt of more than a million characters',
      { messages: [{ role: 'user', content: 'a'.repeat(1_100_000) }] },
      413,
      'characters',
    ],
    ['no tokens', { max_tokens: 0 }, 400, '"max_tokens" is 0'],
    ['fewer tokens than none', { max_tokens: -1 }, 400, '"max_tokens" is -1'],
    ['a billion tokens', { max_tokens: 1e9 }, 400, '"max_tokens"'],
    ['tokens beyond the context', { max_completion_tokens: 5_000 }, 422, 'takes 4096 in all'],
    ['a negative temperature', { temperature: -1 }, 400, '"temperature" is -1'],
    ['a temperature that is no number', { temperature: 'hot' }, 400, '"temperature"'],
    ['a probability above 1', { top_p: 2 }, 400, '"top_p"'],
    ['100 choices', { n: 100 }, 400, '"n" is 100'],
    ['1,000 stop texts', { stop: Array.from({ length: 1_000 }, (_, at) => `s${at}`) }, 400, '"stop"'],
    ['an empty stop text', { stop: '' }, 400, '"stop"'],
    ['a bias for a token that does not exist', { logit_bias: { 999999: 1 } }, 400, '999999'],
    ['a bias that is too large', { logit_bias: { 5: 1e9 } }, 400, '"logit_bias"'],
    ['half a seed', { seed: 0.5 }, 400, '"seed"'],
    ['a seed whose next one is too large', { seed: Number.MAX_SAFE_INTEGER, n: 2 }, 400, '"seed"'],
    ['a stream of texts', { stream: 'yes' }, 400, '"stream"'],
    ['options that are none', { stream_options: 5 }, 400, '"stream_options"'],
    ['log-probabilities without the flag', { top_logprobs: 3 }, 400, '"top_logprobs"'],
    ['too many log-probabilities', { logprobs: true, top_logprobs: 21 }, 400, '"top_logprobs"'],
    ['a function without a name', { tools: [{ type: 'function', function: {} }] }, 400, '"tools"'],
    ['a function with an empty name', { tools: [named('')] }, 400, '"tools"'],
    ['a call that is demanded', { tools: [], tool_choice: 'required' }, 400, '"tool_choice"'],
    ['a call of a function that is not there', { ...CLOCK, tool_choice: named('watch') }, 400, '"clock"'],
    ['a choice of functions that is none', { ...CLOCK, tool_choice: 5 }, 400, '"tool_choice" is 5'],
    [
      'parallel calls that are no yes or no',
      { ...CLOCK, parallel_tool_calls: 'no' },
      400,
      '"parallel_tool_calls" is "no"',
    ],
    ['an unknown form', { response_format: { type: 'xml' } }, 400, '"response_format"'],
    [
      'a form without a schema',
      { response_format: { type: 'json_schema', json_schema: {} } },
      400,
      '"response_format"',
    ],
    ['a function with an endless schema', { ...tool({ $ref: '#' }), tool_choice: 'required' }, 400, 'without an end'],
    ['an unknown field', { modalities: ['audio'] }, 400, '"modalities"'],
    ['an unknown model', { model: 'nobody' }, 404, 'nobody'],
    ['a model of another task', { model: 'iris' }, 400, 'tabular-classification'],
    ['a model without a template', { model: 'tiny-llama' }, 422, 'no chat template'],
    [
      'roles in a wrong order',
      { model: 'strict', messages: [...HELLO, ...HELLO] },
      422,
      'Conversation roles must alternate',
    ],
    ['variables that the template does not know', { chat_template_kwargs: 5 }, 422, '"chat_template_kwargs"'],
    ['a variable that cannot be set', { chat_template_kwargs: { namespace: 1 } }, 422, 'namespace'],
  ])('refuses %s', async (_what, document, status, message) => {
    for (const stream of [false, true]) {
      const response = await chat({ stream, ...document });
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      expect({ status: response.status, ...error }).toMatchObject({ status, type: 'invalid_request_error' });
      expect(error.message).toContain(message);
    }
  });

  it.each<[string, unknown, string]>([
    ['an image', [{ type: 'image', url: 'x' }], '"content" of messages[0] is'],
    ['an object', { text: 'a' }, '"content" of messages[0] is'],
    ['half of a character', '\ud800', 'lone surrogate'],
  ])("refuses %s in Hugging Face's form, too", async (_what, content, message) => {
    const response = await post('/models/chat', { inputs: [{ role: 'user', content }] });
    const { error } = (await response.json()) as { error: string };
    expect([response.status, error]).toEqual([422, expect.stringContaining(message)]);
  });

  it('refuses NaN, which is no JSON', async () => {
    const body = JSON.stringify({ model: 'chat', messages: HELLO }).replace('}', ', "temperature": NaN}');
    expect((await serving.fetch('/v1/chat/completions', { method: 'POST', body })).status).toBe(400);
  });

  it('ends a stream at the deadline with an error that clients understand', async () => {
    const response = await post(
      '/v1/chat/completions',
      {
        model: 'chat',
        messages: HELLO,
        max_tokens: 4_000,
        stream: true,
        ignore_eos: undefined,
        logit_bias: { 2: -100 },
      },
      400,
    );
    const events = (await response.text()).trimEnd().split('\n\n');
    expect(response.status).toBe(200);
    expect(JSON.parse((events.at(-1) ?? '').replace('data: ', ''))).toEqual({
      error: {
        message: expect.stringContaining('deadline'),
        type: 'server_error',
        param: null,
        code: 'deadline_exceeded',
      },
    });
    expect(serving.observations.at(-1)?.failures.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED']);
  });

  it('stops when its reader leaves, and gives the model back', async () => {
    const response = await chat({ max_tokens: 4_000, stream: true, logit_bias: { 2: -100 } });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const { usage, failures } = serving.observations.at(-1) ?? {};
    expect({ usage, failures }).toEqual({ usage: {}, failures: [] });
    await serving.models.drop('chat', deadlineAt(Date.now() + 20_000)); // waits for every lease
    expect((await chat({})).status).toBe(200);
  });

  it('keeps a model that is to be evicted until its stream has ended', async () => {
    const response = await chat({ temperature: 0, stream: true, max_tokens: 60, logit_bias: { 2: -100 } });
    const reader = response.body?.getReader();
    const parts = [await reader?.read()];
    let isDropped = false;
    const dropped = serving.models.drop('chat', deadlineAt(Date.now() + 60_000)).then(() => {
      isDropped = true;
    });
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      expect(isDropped).toBe(false);
      parts.push(part);
    }
    await dropped;
    const text = parts.map((part) => Buffer.from(part?.value ?? []).toString()).join('');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text).toContain('"finish_reason":"length"');
    expect((await chat({})).status).toBe(200); // it is loaded again
  });

  it('answers two streams at once', async () => {
    const ask = () => chunksOf(chat({ temperature: 0, stream: true }));
    const [one, other] = await Promise.all([ask(), ask()]);
    const textOf = (chunks: Chunk[]) =>
      chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta?.content ?? ''));
    expect(textOf(one ?? [])).toEqual(textOf(other ?? []));
  });
});

describe('what an earlier prompt computed', () => {
  it('serves the holder of the same key alone', async () => {
    const application = toFetch(createApplication(serving, { authorise: authoriseByScopes }));
    const cached = async (path: string, document: object, holder: string): Promise<unknown> => {
      const request = new Request(`http://test${path}`, { method: 'POST', body: JSON.stringify(document) });
      const identity = { holder, scopes: ['predict'] };
      const document_ = await (await application(request, { requestId: 'one', deadline: NEVER, identity })).json();
      return path.startsWith('/v1')
        ? (document_ as { usage: { prompt_tokens_details: { cached_tokens: number } } }).usage.prompt_tokens_details
        : (document_ as [{ details: { cached_tokens: number } }])[0].details;
    };
    const messages = [{ role: 'user', content: 'A secret that is long enough to be kept in memory' }];
    const chats = [
      ['/v1/chat/completions', { model: 'chat', messages, max_tokens: 1 }],
      ['/models/chat', { inputs: messages, parameters: { max_new_tokens: 1, details: true } }],
    ] as const;
    for (const [path, document] of chats)
      expect(await cached(path, document, `ada of ${path}`)).toMatchObject({ cached_tokens: 0 });
    for (const [path, document] of chats) {
      expect(await cached(path, document, `bob of ${path}`)).toMatchObject({ cached_tokens: 0 });
      expect(await cached(path, document, `ada of ${path}`)).not.toMatchObject({ cached_tokens: 0 });
    }
  });
});

describe('POST /v1/completions', () => {
  it('continues texts and tokens, each as often as asked', async () => {
    const { choices, usage } = await answer(complete({ prompt: ['Once', 'Twice'], n: 2, temperature: 0, echo: true }));
    const [first, again, second] = choices.map(({ text }) => text);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(first).toBe(again);
    expect(first).toMatch(/^Once/);
    expect(second).toMatch(/^Twice/);
    const single = await answer(complete({ temperature: 0 }));
    expect(`Once${single.choices[0]?.text}`).toBe(first);
    expect(usage).toMatchObject({ completion_tokens: 32 });
    const tokens = await answer(
      complete({
        prompt: [
          [1, 5],
          [1, 6],
        ],
        temperature: 0,
      }),
    );
    expect(tokens.usage.prompt_tokens).toBe(4);
  });

  it('streams, with log-probabilities', async () => {
    const whole = await answer(complete({ temperature: 0, logprobs: 3 }));
    const chunks = await chunksOf(complete({ temperature: 0, logprobs: 3, stream: true }));
    expect(chunks.flatMap(({ choices }) => choices.map(({ text }) => text)).join('')).toBe(whole.choices[0]?.text);
    const told = chunks.flatMap(({ choices }) => choices.flatMap(({ logprobs }) => (logprobs ? [logprobs] : [])));
    expect(whole.choices[0]).toMatchObject({
      logprobs: {
        token_logprobs: Array.from({ length: 8 }, () => expect.any(Number)),
        tokens: told.flatMap(({ tokens }) => tokens),
        text_offset: told.flatMap(({ text_offset }) => text_offset),
      },
    });
    expect(new Set(told.flatMap(({ text_offset }) => text_offset)).size).toBe(8);
  });

  it.each<[string, Record<string, unknown>, number, string]>([
    ['no prompt', { prompt: undefined }, 400, '"prompt"'],
    ['an empty list', { prompt: [] }, 400, '"prompt"'],
    ['a prompt that is none', { prompt: [{}] }, 400, '"prompt"'],
    ['too many prompts', { prompt: Array.from({ length: 33 }, () => 'a') }, 400, '"prompt"'],
    ['tokens that do not exist', { prompt: [1, 999_999] }, 422, '999999'],
    ['the best of several', { best_of: 3 }, 400, '"best_of"'],
    ['a suffix', { suffix: 'end' }, 400, '"suffix"'],
    ['an echo of log-probabilities', { echo: true, logprobs: 1 }, 400, '"echo"'],
    ['an echo of ids', { prompt: [1, 2], echo: true }, 400, '"echo" is for texts'],
    ['an id that is no integer', { prompt: [1.5, 2] }, 400, '"prompt" is 1.5'],
    ['an id below 0', { prompt: [-1] }, 400, '"prompt" is -1'],
    ['messages', { messages: HELLO }, 400, '"messages"'],
  ])('refuses %s', async (_what, document, status, message) => {
    const response = await complete(document);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect({ status: response.status, message: error.message }).toEqual({
      status,
      message: expect.stringContaining(message),
    });
  });
});

it('POST /models/{name} takes messages in the form of Hugging Face', async () => {
  const parameters = { max_new_tokens: 8, do_sample: false };
  const [{ generated_text: text } = { generated_text: '' }] = (await (
    await post('/models/chat', { inputs: HELLO, parameters })
  ).json()) as { generated_text: string }[];
  expect(text).toBe((await answer(chat({ temperature: 0 }))).choices[0]?.message.content);
});
