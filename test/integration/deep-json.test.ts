import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pushChatModel } from '../support/chat-model.ts';
import { createTestServing, publishModel, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  await pushChatModel(serving.repository, 'chat', 'qwen-2.5');
  for (const name of ['tiny-llama', 'iris', 'tiny-bert-sentences', 'tiny-t5'])
    await pushNamed(serving.repository, name);
  await publishModel(serving.repository, 'add', 'test/fixtures/models/add.onnx');
});
afterAll(() => serving.remove());

const lists = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const objects = (levels: number): string => `${'{"items": '.repeat(levels)}{}${'}'.repeat(levels)}`;

const chat = (field: string) =>
  `{"model": "chat", "max_tokens": 2, "messages": [{"role": "user", "content": "a"}], ${field}}`;
const asked = (message: string) => `{"model": "chat", "max_tokens": 2, "messages": [${message}]}`;
const task = (field: string) => `{"inputs": "a", "parameters": {"max_new_tokens": 2, ${field}}}`;
const CHAT = '/v1/chat/completions';

/** Every place of a caller's JSON that code walks over. `DEEP` stands for lists or objects within one another. */
const PLACES: readonly (readonly [string, string, string])[] = [
  ['a body', CHAT, 'DEEP'],
  ['the content of a message', CHAT, asked('{"role": "user", "content": DEEP}')],
  ['another field of a message', CHAT, asked('{"role": "user", "content": "a", "name": DEEP}')],
  [
    'the schema of a tool',
    CHAT,
    chat('"tools": [{"type": "function", "function": {"name": "f", "parameters": DEEP}}]'),
  ],
  ['a schema', CHAT, chat('"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": DEEP}}')],
  ['variables of the template', CHAT, chat('"chat_template_kwargs": {"a": DEEP}')],
  ['a bias', CHAT, chat('"logit_bias": DEEP')],
  ['a field without effect', CHAT, chat('"metadata": {"a": DEEP}')],
  ['an unknown field', CHAT, chat('"other": DEEP')],
  ['a prompt', '/v1/completions', '{"model": "chat", "prompt": DEEP}'],
  ['texts', '/v1/embeddings', '{"model": "tiny-bert-sentences", "input": DEEP}'],
  ['messages in the form of Hugging Face', '/models/chat', '{"inputs": [{"role": "user", "content": DEEP}]}'],
  [
    'tools in the form of Hugging Face',
    '/models/chat',
    '{"inputs": {"messages": [{"role": "user", "content": "a"}], "tools": [DEEP]}}',
  ],
  ['a grammar', '/models/tiny-llama', task('"grammar": {"type": "json", "value": DEEP}')],
  ['a parameter', '/models/tiny-llama', task('"stop": DEEP')],
  [
    'nested parameters',
    '/models/tiny-t5',
    '{"inputs": "a", "parameters": {"generate_parameters": {"num_beams": DEEP}}}',
  ],
  ['inputs', '/models/tiny-t5', '{"inputs": DEEP}'],
  ['a feature of a row', '/models/iris', '{"inputs": [[DEEP, 1, 2, 3]]}'],
  ['a table', '/models/iris', '{"table": {"petal length (cm)": DEEP}}'],
  ['a reference', '/models/iris', '{"inputs": {"s3": DEEP}}'],
  [
    'data of a tensor',
    '/v2/models/add/infer',
    '{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32", "data": DEEP}]}',
  ],
  ['instances', '/v1/models/iris:predict', '{"instances": DEEP}'],
  ['feedback', '/feedback', '{"id": "a", "label": DEEP}'],
];

const ask = async (path: string, body: string, type = 'application/json'): Promise<[number, string]> => {
  const response = await serving.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
  return [response.status, await response.text()];
};

const TOO_DEEP = 'nested too deep: more than 500 levels';

describe.each([
  ['lists', lists],
  ['objects', objects],
])('JSON of %s within one another', (_kind, deep) => {
  it.each(PLACES)(
    'is refused with its bound as %s, and with the words of the place below the bound',
    async (_place, path, body) => {
      for (const levels of [501, 5_000, 100_000])
        expect(
          await ask(
            path,
            body.replace('DEEP', () => deep(levels)),
          ),
        ).toEqual([400, expect.stringContaining(TOO_DEEP)]);
      const [status, text] = await ask(
        path,
        body.replace('DEEP', () => deep(480)),
      );
      expect(text).not.toMatch(/call stack|500 levels/);
      expect([200, 202, 400, 404, 413, 422]).toContain(status);
      expect(text.length).toBeLessThan(3_000);
    },
  );
});

it('is refused in a line of JSON Lines, in the text of a call, and beside integers beyond 2^53', async () => {
  const deep = lists(5_000);
  const [status, line] = await ask('/models/tiny-t5', `"a"\n${deep}\n`, 'application/jsonl');
  expect([status, line]).toEqual([400, expect.stringContaining(`line 2: lists and objects are ${TOO_DEEP}`)]);
  const call = JSON.stringify({ function: { name: 'f', arguments: deep } });
  expect(await ask(CHAT, asked(`{"role": "assistant", "content": null, "tool_calls": [${call}]}`))).toEqual([
    ...[expect.any(Number), expect.stringContaining('expected JSON of up to 500 levels')],
  ]);
  expect(await ask('/models/tiny-t5', `{"inputs": [9007199254740993, ${deep}]}`)).toEqual([
    ...[400, expect.stringContaining(TOO_DEEP)],
  ]);
});

it('is no matter of brackets side by side, or in a text', async () => {
  const flat = JSON.stringify({ inputs: Array.from({ length: 400 }, () => '[[{'), parameters: { max_new_tokens: 1 } });
  expect((await ask('/models/tiny-t5', flat))[0]).toBe(200);
  const rows = JSON.stringify({ inputs: Array.from({ length: 600 }, () => [5.1, 3.5, 1.4, 0.2]) });
  expect((await ask('/models/iris', rows))[0]).toBe(200);
});
