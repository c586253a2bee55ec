import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JSON_SCHEMAS, REFUSED_SCHEMAS } from '../support/json-schemas.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { answerSchemas, CHAT_MODELS, pushChatModels } from '../support/structured-answers.ts';
import { createCheck } from '../support/validate-json.ts';

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  await pushChatModels(serving);
});
afterAll(() => serving.remove());

interface Call {
  readonly function: { readonly name: string; readonly arguments: string };
}
interface Completion {
  readonly choices: readonly {
    readonly text: string;
    readonly message: { readonly content: string | null; readonly tool_calls?: readonly Call[] };
    readonly finish_reason: string;
  }[];
}

const post = (path: string, document: unknown): Promise<Response> =>
  serving.fetch(path, {
    ...{ method: 'POST', body: JSON.stringify(document), headers: { 'content-type': 'application/json' } },
  });
const chat = (document: Record<string, unknown>): Promise<Response> =>
  post('/v1/chat/completions', {
    ...{ model: 'llama', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 300, seed: 5 },
    ...document,
  });
const answer = async (response: Promise<Response>): Promise<Completion> =>
  (await (await response).json()) as Completion;
const choiceOf = async (document: Record<string, unknown>) => (await answer(chat(document))).choices[0];
const asSchema = (schema: unknown) => ({ type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } });

const FLAG = { type: 'boolean' };
const POINT = { type: 'object', properties: { x: FLAG, y: FLAG }, required: ['x', 'y'], additionalProperties: false };
const TOOLS = [
  { type: 'function', function: { name: 'move', description: 'Moves', parameters: POINT } },
  { type: 'function', function: { name: 'stop' } },
];

describe('response_format', () => {
  it.each(Object.keys(CHAT_MODELS))('gives JSON that fits its half of more than 30 schemas: %s', async (model) => {
    // The other half is the other model's. test/long asks both for all, greedily and sampled.
    const half = Object.keys(CHAT_MODELS).indexOf(model);
    const answers = await answerSchemas(serving, model, (index) => (index % 2 === half ? [(index >> 1) % 2] : []));
    for (const answer of answers) expect(answer).toEqual({ ...answer, reason: 'stop', fault: undefined });
    expect(Object.keys(JSON_SCHEMAS).length).toBeGreaterThan(30);
    expect(answers.length).toBeGreaterThan(7);
  });

  it('streams the same answer', async () => {
    const document = { response_format: asSchema(POINT) };
    const events = (await (await chat({ ...document, stream: true })).text()).split('\n\n').slice(0, -2);
    const pieces = events.map((event) => JSON.parse(event.replace('data: ', '')).choices[0]?.delta.content ?? '');
    expect(pieces.join('')).toBe((await choiceOf(document))?.message.content);
    expect(JSON.parse(pieces.join(''))).toEqual({ x: expect.any(Boolean), y: expect.any(Boolean) });
  });

  it('gives an object of any names for json_object, as far as the tokens go', async () => {
    const objects: unknown[] = [];
    for (let seed = 0; seed < 4; seed += 1) {
      const { message, finish_reason } = (await choiceOf({ response_format: { type: 'json_object' }, seed })) ?? {};
      if (finish_reason === 'stop') objects.push(JSON.parse(message?.content ?? ''));
      else expect([message?.content?.[0], finish_reason]).toEqual(['{', 'length']);
    }
    for (const object of objects) expect(object).toEqual(expect.any(Object));
  });

  it.each([
    { type: 'json_object', value: POINT },
    { type: 'json_object', schema: POINT },
    { type: 'json', value: POINT },
  ])('takes the schema of other clients: %j', async (response_format) => {
    const expected = await choiceOf({ response_format: asSchema(POINT) });
    expect((await choiceOf({ response_format }))?.message.content).toBe(expected?.message.content);
  });

  it('ends with the reason length where the tokens do not suffice', async () => {
    const choice = await choiceOf({ response_format: asSchema(POINT), max_tokens: 3 });
    expect(choice).toMatchObject({ finish_reason: 'length', message: { content: expect.stringMatching(/^\{/) } });
  });

  it('holds against a request that excludes what must come', async () => {
    const logit_bias = Object.fromEntries(Array.from({ length: 460 }, (_, id) => [id, -100]));
    const choice = await choiceOf({ response_format: asSchema(POINT), logit_bias, frequency_penalty: 2 });
    expect(JSON.parse(choice?.message.content ?? '')).toEqual({ x: expect.any(Boolean), y: expect.any(Boolean) });
  });

  it('holds for completions and for the task, too', async () => {
    const form = { response_format: asSchema(POINT), max_tokens: 200 };
    const { choices } = await answer(post('/v1/completions', { model: 'qwen', prompt: ['Once', 'Twice'], ...form }));
    const parameters = { grammar: { type: 'json', value: POINT }, max_new_tokens: 200, do_sample: true };
    const [own] = (await (await post('/models/qwen', { inputs: 'Once', parameters })).json()) as {
      generated_text: string;
    }[];
    const texts = [...choices.map(({ text }) => text), own?.generated_text ?? ''];
    expect(texts).toHaveLength(3);
    for (const text of texts) expect(JSON.parse(text)).toEqual({ x: expect.any(Boolean), y: expect.any(Boolean) });
  });

  it('refuses what no answer can fit, before and within a stream', async () => {
    for (const [name, [schema, words]] of Object.entries(REFUSED_SCHEMAS))
      for (const stream of [false, true]) {
        const response = await chat({ response_format: asSchema(schema), stream });
        const { error } = (await response.json()) as { error: { type: string; message: string } };
        expect([name, response.status, error.type]).toEqual([name, 400, 'invalid_request_error']);
        if (schema !== null) expect(error.message).toContain(words);
      }
  });

  it('refuses a schema of lists within lists', async () => {
    const deep = `{"enum": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    const format = `{"type": "json_schema", "json_schema": {"schema": ${deep}}}`;
    const body = `{"model": "llama", "messages": [{"role": "user", "content": "a"}], "response_format": ${format}}`;
    const response = await serving.fetch('/v1/chat/completions', { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('nested too deep')]);
  });

  it('refuses a schema that takes too long, and answers the next one', async () => {
    const long = { type: 'string', maxLength: 3_000 };
    const properties = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`p${at}`, { ...long }]));
    const response = await chat({ response_format: asSchema({ type: 'object', properties }) });
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([400, expect.stringContaining('takes more than 10 s')]);
    expect((await choiceOf({ response_format: asSchema(POINT) }))?.finish_reason).toBe('stop');
  });
});

describe('tool_choice', () => {
  it.each([
    ['required', 'required', ['move', 'stop']],
    ['a function', { type: 'function', function: { name: 'move' } }, ['move']],
    ['a function, as huggingface_hub names it', { function: { name: 'move' } }, ['move']],
  ])('makes the model call: %s', async (_what, tool_choice, names) => {
    const called = new Set<string>();
    for (let seed = 0; seed < 8; seed += 1) {
      const choice = await choiceOf({ tools: TOOLS, tool_choice, seed });
      const [call, ...others] = choice?.message.tool_calls ?? [];
      expect([choice?.finish_reason, choice?.message.content, others]).toEqual(['tool_calls', null, []]);
      called.add(call?.function.name ?? '');
      const check = createCheck(call?.function.name === 'move' ? POINT : { const: {} });
      expect(check(JSON.parse(call?.function.arguments ?? ''))).toBeUndefined();
    }
    expect([...called].sort()).toEqual(names);
  });

  it('streams the call', async () => {
    const events = (await (await chat({ tools: TOOLS, tool_choice: 'required', stream: true })).text()).split('\n\n');
    const choices = events.slice(0, -2).flatMap((event) => JSON.parse(event.replace('data: ', '')).choices);
    expect(choices.flatMap(({ delta }) => delta.tool_calls ?? [])).toEqual([
      { index: 0, id: expect.any(String), type: 'function', function: expect.any(Object) },
    ]);
    expect(choices.at(-1)).toMatchObject({ finish_reason: 'tool_calls' });
  });

  it('lets the model choose between a call and an answer of the schema', async () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 12 && kinds.size < 2; seed += 1) {
      const { message } = (await choiceOf({ tools: TOOLS, response_format: asSchema(POINT), seed })) ?? {};
      kinds.add(message?.tool_calls ? 'call' : Object.keys(JSON.parse(message?.content ?? '')).join());
    }
    expect([...kinds].sort()).toEqual(['call', 'x,y']);
  });

  it('refuses the parameters of a function with its name', async () => {
    const tools = [{ type: 'function', function: { name: 'go', parameters: { not: {} } } }];
    const response = await chat({ tools, tool_choice: 'required' });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('parameters of \\"go\\"')]);
  });

  it('reads references within the parameters of a function', async () => {
    const parameters = { ...POINT, properties: { x: { $ref: '#/$defs/f' }, y: FLAG }, $defs: { f: { const: 7 } } };
    const tools = [{ type: 'function', function: { name: 'move', parameters } }];
    const choice = await choiceOf({ tools, tool_choice: 'required' });
    expect(JSON.parse(choice?.message.tool_calls?.[0]?.function.arguments ?? '')).toMatchObject({ x: 7 });
  });
});
