import { randomUUID } from 'node:crypto';
import { isObject } from '../../core/is-object.ts';
import { parseJson } from '../json.ts';

/** A call of a function, as OpenAI's clients read it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A part of an answer: text, and calls that are whole. */
export interface Parsed {
  readonly content: string;
  readonly calls: readonly ToolCall[];
}

/** Finds the calls in a text that comes piece by piece. */
export interface ToolParser {
  push(text: string): Parsed;
  /** The rest: text that could have become a call. */
  end(): Parsed;
}

const NOTHING: Parsed = { content: '', calls: [] };

/** Marks of Hermes and Qwen around a call. */
const OPEN = '<tool_call>';
const CLOSE = '</tool_call>';
/** Marks before the calls of Mistral and of Llama 3, where the tokenizer shows them. */
const MARKS = ['[TOOL_CALLS]', '<|python_tag|>'];
/** A call is a document of JSON, or a list of them. */
const BEGINNINGS = ['{', '[', ...MARKS];

const toCall = (value: unknown, names: readonly string[]): ToolCall | undefined => {
  const { name, arguments: own, parameters = {}, id } = isObject(value) ? value : {};
  if (typeof name !== 'string' || !names.includes(name)) return undefined;
  const given = own ?? parameters;
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const called = { name, arguments: text };
  return {
    id: typeof id === 'string' ? id : `call_${randomUUID().replaceAll('-', '')}`,
    type: 'function',
    function: called,
  };
};

const tryJson = (text: string): unknown => {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
};

/** The calls in a text of JSON; undefined when it is anything else. */
const parseCalls = (text: string, names: readonly string[]): readonly ToolCall[] | undefined => {
  const values: unknown[] = [tryJson(text.trim())].flat();
  const calls = values.map((value) => toCall(value, names)).filter((call) => call !== undefined);
  return calls.length > 0 && calls.length === values.length ? calls : undefined;
};

/** The calls of a whole answer that begins as one: JSON, or several documents with semicolons between them, as Llama writes them. */
const parseAnswer = (text: string, names: readonly string[]): readonly ToolCall[] | undefined => {
  const mark = MARKS.find((each) => text.trimStart().startsWith(each)) ?? '';
  const body = text.trimStart().slice(mark.length);
  const parts = body.split(/;(?=\s*\{)/).map((part) => parseCalls(part, names));
  return parseCalls(body, names) ?? (parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []));
};

/** Length of the longest end of `text` that `mark` may begin with. */
const openEnd = (text: string, mark: string): number => {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length -= 1)
    if (mark.startsWith(text.slice(-length))) return length;
  return 0;
};

/** Takes the text before a mark, and the call behind it, as far as they are whole. */
const takeMarked = (text: string, names: readonly string[]): Parsed & { readonly rest: string } => {
  const start = text.indexOf(OPEN);
  if (start < 0) {
    const held = openEnd(text, OPEN);
    return { content: text.slice(0, text.length - held), calls: [], rest: text.slice(text.length - held) };
  }
  const end = text.indexOf(CLOSE, start);
  if (end < 0) return { content: text.slice(0, start), calls: [], rest: text.slice(start) };
  const whole = text.slice(start, end + CLOSE.length);
  const calls = parseCalls(text.slice(start + OPEN.length, end), names);
  const next = takeMarked(text.slice(end + CLOSE.length), names);
  return {
    content: text.slice(0, start) + (calls === undefined ? whole : '') + next.content,
    calls: [...(calls ?? []), ...next.calls],
    rest: next.rest,
  };
};

const mayBegin = (text: string): boolean =>
  text === '' || BEGINNINGS.some((beginning) => beginning.startsWith(text) || text.startsWith(beginning));

/**
 * Reads calls of the functions `names`: those that Hermes and Qwen mark, and those that Llama 3 and Mistral write in the place of an answer.
 * Text that is no call comes as soon as that is certain.
 */
export const createToolParser = (names: readonly string[]): ToolParser => {
  let held = '';
  let isPlain = false; // an answer that begins with other text is no call as a whole
  return {
    push(text) {
      held += text;
      if (!isPlain && mayBegin(held.trimStart())) return NOTHING;
      isPlain = true;
      const { content, calls, rest } = takeMarked(held, names);
      held = rest;
      return { content, calls };
    },
    end() {
      const text = held;
      held = '';
      const calls = isPlain ? undefined : parseAnswer(text, names);
      return calls === undefined ? { content: text, calls: [] } : { content: '', calls };
    },
  };
};

/** The parser of an answer to a request without tools. */
export const plainParser: ToolParser = { push: (content) => ({ content, calls: [] }), end: () => NOTHING };
