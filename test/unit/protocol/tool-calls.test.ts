import { describe, expect, it } from '@jest/globals';
import { createToolParser, type ToolCall } from '../../../src/protocol/openai/tool-calls.ts';

/** Parses a text in pieces of `size` characters. */
const parse = (text: string, size: number) => {
  const parser = createToolParser(['weather', 'clock', 'a', 'b']);
  const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, (at + 1) * size),
  );
  const parsed = [...pieces.map((piece) => parser.push(piece)), parser.end()];
  const calls: readonly ToolCall[] = parsed.flatMap((part) => part.calls);
  return {
    content: parsed.map((part) => part.content).join(''),
    calls: calls.map(({ function: { name, arguments: text_ } }) => [name, JSON.parse(text_)]),
    ids: calls.map(({ id }) => id),
  };
};

const SUN = '{"name": "weather", "arguments": {"city": "Zürich", "days": [1, 2]}}';
const sun = ['weather', { city: 'Zürich', days: [1, 2] }];
const clock = ['clock', {}];

describe.each([1, 2, 3, 7, 1_000])('in pieces of %d characters', (size) => {
  it.each<[string, string, string, unknown[]]>([
    ['text alone', 'It is 12:00 < noon. <tool', 'It is 12:00 < noon. <tool', []],
    ['a call of Qwen', `<tool_call>\n${SUN}\n</tool_call>`, '', [sun]],
    [
      'two calls behind text',
      `Let me see.\n<tool_call>${SUN}</tool_call>\n<tool_call>{"name": "clock"}</tool_call>`,
      'Let me see.\n\n',
      [sun, clock],
    ],
    ['a mark without a call', '<tool_call>no JSON</tool_call> more', '<tool_call>no JSON</tool_call> more', []],
    ['a call that is cut off', '<tool_call>{"name": "clo', '<tool_call>{"name": "clo', []],
    ['a call of Llama', '{"name": "weather", "parameters": {"city": "Zürich", "days": [1, 2]}}', '', [sun]],
    ['calls of Llama', `{"name": "clock", "parameters": {}}; ${SUN}`, '', [clock, sun]],
    ['a call of Llama behind its mark', `<|python_tag|>${SUN}`, '', [sun]],
    [
      'calls of Mistral',
      `[TOOL_CALLS] [${SUN}, {"name": "clock", "arguments": {}, "id": "abcdef012"}]`,
      '',
      [sun, clock],
    ],
    ['calls of Mistral without their mark', ` [${SUN}]`, '', [sun]],
    ['JSON that is no call', '{"answer": 42}', '{"answer": 42}', []],
    ['a list that is no call', '[1, 2]', '[1, 2]', []],
    ['JSON that is cut off', '{"name": "clock", ', '{"name": "clock", ', []],
    ['text that begins like JSON', '[x] done', '[x] done', []],
    ['a call of an unknown function', '{"name": "Ann", "arguments": {}}', '{"name": "Ann", "arguments": {}}', []],
    ['nothing', '', '', []],
  ])('%s is told apart', (_what, text, content, calls) => {
    expect(parse(text, size)).toMatchObject({ content, calls });
  });

  it('keeps the id of a call, and makes one else', () => {
    const { ids } = parse(`[TOOL_CALLS][{"name": "a", "arguments": {}, "id": "abcdef012"}, {"name": "b"}]`, size);
    expect(ids).toEqual(['abcdef012', expect.stringMatching(/^call_[0-9a-f]{32}$/)]);
  });
});

it('text comes at once where it can become no call', () => {
  const parser = createToolParser(['weather', 'clock', 'a', 'b']);
  expect(parser.push('Hello').content).toBe('Hello');
  expect(parser.push(' <').content).toBe(' ');
  expect(parser.push('b>').content).toBe('<b>');
});
