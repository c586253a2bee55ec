import type { CompletionFormat } from './completion-format.ts';
import type { TokenLogprob } from './deltas.ts';
import { type Fields, parseFields, refuseField } from './fields.ts';
import { GENERATION_FIELDS, type GenerationRequest, readGeneration, readTopLogprobs } from './generation-parameters.ts';
import { readMessages } from './messages.ts';
import { readGrammar, readTools } from './tools.ts';

/** A request that has a model write text. */
export interface CompletionRequest extends Omit<GenerationRequest, 'choices'> {
  /** An input with its parameters for each choice, for the task text-generation. */
  readonly choices: readonly { readonly inputs: unknown; readonly parameters: Fields; readonly echo?: string }[];
  /** Number of prompts; each has as many choices. */
  readonly prompts: number;
  /** Names of the functions that the answer may call. */
  readonly toolNames: readonly string[];
}

/** The fields of a request, beside those that change nothing. */
export const CHAT_FIELDS = [
  ...GENERATION_FIELDS,
  ...['messages', 'max_completion_tokens', 'logprobs', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls'],
  'chat_template_kwargs',
];

const readLogprobs = ({ logprobs = false, top_logprobs: top }: Fields): Fields => {
  if (typeof logprobs !== 'boolean') return refuseField('logprobs', logprobs, 'true or false');
  const count = readTopLogprobs('top_logprobs', top);
  if (count > 0 && !logprobs) refuseField('top_logprobs', top, 'no such field without "logprobs": true');
  return logprobs ? { details: true, top_n_tokens: count } : {};
};

/** A request of `POST /v1/chat/completions`. https://platform.openai.com/docs/api-reference/chat @throws `INVALID_REQUEST`, `INVALID_INPUT` */
export const parseChatRequest = (document: unknown): CompletionRequest => {
  const fields = parseFields(document, CHAT_FIELDS);
  const asked = readTools(fields);
  const { tools } = asked;
  const further = { ...readLogprobs(fields), ...readGrammar(fields, asked) };
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
    choices: choices.map((parameters) => ({ inputs, parameters: { ...parameters, ...further } })),
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
  toChunks({ content, calls, logprobs, end }, before) {
    const tool_calls = calls.map((call, index) => ({ index: before.calls + index, ...call }));
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
