import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { MOST_LEVELS, parseJson } from '../json.ts';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'];
const MOST_MESSAGES = 10_000;

type Message = Readonly<Record<string, unknown>>;

const refuseInput = (name: string, value: unknown, expected: string): never =>
  refuse('INVALID_INPUT', `${name} is ${show(value)}, expected ${expected}`);

/** The text of a part. @throws `INVALID_INPUT` for images and sound, which no model here reads */
const textOf = (part: unknown, name: string): string => {
  const { type, text, refusal } = isObject(part) ? part : {};
  if ((type === 'text' || type === 'input_text') && typeof text === 'string') return text;
  if (type === 'refusal' && typeof refusal === 'string') return refusal;
  return refuseInput(
    name,
    isObject(part) ? { type } : part,
    '{"type": "text", "text": "…"}: the model takes text alone',
  );
};

/** Parts of text are joined with line breaks: most templates take a text alone. */
const readContent = (content: unknown, name: string): string | null => {
  if (typeof content === 'string') {
    if (!content.isWellFormed()) refuseInput(name, content, 'Unicode text: it has half of a character');
    return content;
  }
  if (content === null || content === undefined) return null;
  if (!Array.isArray(content)) return refuseInput(name, content, 'a text, or a list of parts');
  return content.map((part, index) => textOf(part, `${name}[${index}]`)).join('\n');
};

/** Templates read the arguments of a call as an object, and clients send them as JSON text. */
const readCall = (call: unknown, name: string): Message => {
  const { function: called, ...others } = isObject(call) ? call : {};
  if (!isObject(called) || typeof called.name !== 'string')
    return refuseInput(name, call, '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}');
  const { arguments: text = '{}' } = called;
  if (typeof text !== 'string') return { ...others, function: called };
  try {
    return { ...others, function: { ...called, arguments: parseJson(text === '' ? '{}' : text) } };
  } catch {
    return refuseInput(`"arguments" of ${name}`, text, `JSON of up to ${MOST_LEVELS} levels`);
  }
};

const readMessage = (message: unknown, index: number): Message => {
  const name = `messages[${index}]`;
  if (!isObject(message)) return refuseInput(name, message, '{"role": "user", "content": "…"}');
  const { role, content, tool_calls: calls, ...others } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) refuseInput(`"role" of ${name}`, role, ROLES.join(', '));
  const text = readContent(content, `"content" of ${name}`);
  if (text === null && role !== 'assistant') refuseInput(`"content" of ${name}`, content, 'a text');
  const hasCalls = calls !== undefined && calls !== null;
  if (hasCalls && !Array.isArray(calls)) return refuseInput(`"tool_calls" of ${name}`, calls, 'a list');
  if (!Array.isArray(calls) || calls.length === 0)
    return { ...others, role: toTemplateRole(role), content: text ?? '' };
  const read = calls.map((call, at) => readCall(call, `"tool_calls" of ${name}, number ${at + 1},`));
  return { ...others, role, content: text, tool_calls: read };
};

/** OpenAI's newer name for the same; templates know the older one. */
const toTemplateRole = (role: unknown): unknown => (role === 'developer' ? 'system' : role);

/** Messages as chat templates read them. @throws `INVALID_REQUEST` for none; `INVALID_INPUT` naming the message */
export const readMessages = (messages: unknown): readonly Message[] => {
  if (!Array.isArray(messages) || messages.length === 0)
    return refuse('INVALID_REQUEST', `"messages" is ${show(messages)}, expected [{"role": "user", "content": "…"}, …]`);
  if (messages.length > MOST_MESSAGES)
    refuse('PAYLOAD_TOO_LARGE', `there are ${messages.length} messages, at most ${MOST_MESSAGES} are taken`);
  return messages.map(readMessage);
};
