import { isObject } from '../../core/is-object.ts';
import type { CompletionFormat } from './completion-format.ts';
import type { TokenLogprob } from './deltas.ts';
import { type Fields, parseFields, refuseField } from './fields.ts';
import { GENERATION_FIELDS, type GenerationRequest, readGeneration, readTopLogprobs } from './generation-parameters.ts';
import { readMessages } from './messages.ts';

/** A request that has a model write text. */
export interface CompletionRequest extends Omit<GenerationRequest, 'choices'> {
  /** An input with its parameters for each choice, for the task text-generation. */
  readonly choices: readonly { readonly inputs: unknown; readonly parameters: Fields; readonly echo?: string }[];
  /** Number of prompts; each has as many choices. */
  readonly prompts: number;
  /** Names of the functions that the answer may call. */
  readonly toolNames: readonly string[];
}

const FIELDS = [
  ...GENERATION_FIELDS,
  ...['messages', 'max_completion_tokens', 'logprobs', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ...['response_format', 'chat_template_kwargs'],
];

interface Tool {
  readonly function: { readonly name: string };
}

const isTool = (tool: unknown): tool is Tool =>
  isObject(tool) && tool.type === 'function' && isObject(tool.function) && typeof tool.function.name === 'string';

/** The functions that the model may call; undefined for none. */
const readTools = ({ tools, tool_choice: choice = 'auto' }: Fields): readonly Tool[] | undefined => {
  if (choice !== 'auto' && choice !== 'none')
    refuseField('tool_choice', choice, '"auto" or "none": no model here can be made to call a function');
  if (tools === undefined || choice === 'none') return undefined;
  if (!Array.isArray(tools) || !tools.every(isTool))
    return refuseField('tools', tools, '[{"type": "function", "function": {"name": "…", "parameters": {…}}}, …]');
  return tools.length === 0 ? undefined : tools;
};

const assertFormat = ({ response_format: format }: Fields): void => {
  if (format === undefined || (isObject(format) && format.type === 'text')) return;
  refuseField('response_format', format, '{"type": "text"}');
};

const readLogprobs = ({ logprobs = false, top_logprobs: top }: Fields): Fields => {
  if (typeof logprobs !== 'boolean') return refuseField('logprobs', logprobs, 'true or false');
  const count = readTopLogprobs('top_logprobs', top);
  if (count > 0 && !logprobs) refuseField('top_logprobs', top, 'no such field without "logprobs": true');
  return logprobs ? { details: true, top_n_tokens: count } : {};
};

/** A request of `POST /v1/chat/completions`. https://platform.openai.com/docs/api-reference/chat @throws `INVALID_REQUEST`, `INVALID_INPUT` */
export const parseChatRequest = (document: unknown): CompletionRequest => {
  const fields = parseFields(document, FIELDS);
  assertFormat(fields);
  const tools = readTools(fields);
  const logprobs = readLogprobs(fields);
  const { choices, ...generation } = readGeneration(fields);
  const { chat_template_kwargs } = fields;
  const inputs = {
    messages: readMessages(fields.messages),
    tools,
    ...(chat_template_kwargs !== undefined && { chat_template_kwargs }),
  };
  return {
    ...generation,
    ...{ prompts: 1, toolNames: (tools ?? []).map(({ function: { name } }) => name) },
    choices: choices.map((parameters) => ({ inputs, parameters: { ...parameters, ...logprobs } })),
  };
};

const bytesOf = (text: string): number[] | null => (text.includes('\ufffd') ? null : [...Buffer.from(text)]);

const toLogprobs = (tokens: readonly TokenLogprob[]) => ({
  content: tokens.map(({ text, logprob, top }) => ({
    ...{ token: text, logprob, bytes: bytesOf(text) },
    top_logprobs: top.map((each) => ({ token: each.text, logprob: each.logprob, bytes: bytesOf(each.text) })),
  })),
  refusal: null,
});

/** https://platform.openai.com/docs/api-reference/chat/object and https://platform.openai.com/docs/api-reference/chat-streaming */
export const CHAT: CompletionFormat = {
  ...{ idPrefix: 'chatcmpl', object: 'chat.completion', chunkObject: 'chat.completion.chunk' },
  toFirst: () => ({ delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
  toChunks({ content, calls, logprobs, end }, callsBefore) {
    const tool_calls = calls.map((call, index) => ({ index: callsBefore + index, ...call }));
    const delta = { ...(content !== '' && { content }), ...(calls.length > 0 && { tool_calls }) };
    const told = logprobs.length > 0 ? toLogprobs(logprobs) : null;
    return [
      ...(Object.keys(delta).length > 0 || told ? [{ delta, logprobs: told, finish_reason: null }] : []),
      ...(end ? [{ delta: {}, logprobs: null, finish_reason: end.finishReason }] : []),
    ];
  },
  toChoice({ content, calls, logprobs, end }) {
    const text = content === '' && calls.length > 0 ? null : content;
    return {
      message: { role: 'assistant', content: text, refusal: null, ...(calls.length > 0 && { tool_calls: calls }) },
      logprobs: logprobs.length > 0 ? toLogprobs(logprobs) : null,
      finish_reason: end?.finishReason ?? null,
    };
  },
};
