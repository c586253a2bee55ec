import { isObject } from '../../core/is-object.ts';
import type { Usage } from '../../core/usage.ts';
import type { ToolCall, ToolParser } from './tool-calls.ts';

/** A token with the logarithm of its probability. */
export interface TokenLogprob {
  readonly text: string;
  readonly logprob: number;
  readonly top: readonly { readonly text: string; readonly logprob: number }[];
}

/** A part of an answer as it comes. */
export interface Delta {
  readonly content: string;
  readonly calls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
  /** In the last part. */
  readonly end?: { readonly finishReason: 'stop' | 'length' | 'tool_calls'; readonly usage: Usage };
}

type Fields = Readonly<Record<string, unknown>>;

const toFields = (value: unknown): Fields => (isObject(value) ? value : {});
const toNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);

const toLogprobs = ({ own, logprob }: Fields, tops: unknown): readonly TokenLogprob[] => {
  if (typeof own !== 'string' || typeof logprob !== 'number') return [];
  const top = (Array.isArray(tops) ? tops : []).map((each) => {
    const fields = toFields(each);
    return { text: String(fields.text), logprob: toNumber(fields.logprob) };
  });
  return [{ text: own, logprob, top }];
};

/** The amounts of an answer, in its last chunk. */
const usageOfDetails = ({ input_length, generated_tokens, cached_tokens }: Fields): Usage => ({
  promptTokens: toNumber(input_length),
  answerTokens: toNumber(generated_tokens),
  cachedTokens: toNumber(cached_tokens),
});

/** The parts of an answer of the task text-generation, from its chunks. The calls of functions are told apart by `parser`. */
export async function* deltasOf(chunks: AsyncIterable<unknown>, parser: ToolParser): AsyncGenerator<Delta, undefined> {
  let hasCalls = false;
  for await (const chunk of chunks) {
    const { token, top_tokens, details } = toFields(chunk);
    const fields = toFields(token);
    const pushed = parser.push(typeof fields.text === 'string' ? fields.text : '');
    const rest = isObject(details) ? parser.end() : { content: '', calls: [] };
    const calls = [...pushed.calls, ...rest.calls];
    hasCalls ||= calls.length > 0;
    const part = { content: pushed.content + rest.content, calls, logprobs: toLogprobs(fields, top_tokens) };
    if (!isObject(details)) yield part;
    else {
      const reason = details.finish_reason === 'length' ? 'length' : 'stop';
      yield { ...part, end: { finishReason: hasCalls ? 'tool_calls' : reason, usage: usageOfDetails(details) } };
    }
  }
}

/** The whole answer of its parts. */
export const joinDeltas = (deltas: readonly Delta[]): Delta => {
  const end = deltas.at(-1)?.end;
  return {
    content: deltas.map(({ content }) => content).join(''),
    calls: deltas.flatMap(({ calls }) => calls),
    logprobs: deltas.flatMap(({ logprobs }) => logprobs),
    ...(end && { end }),
  };
};

/** The amounts of all choices of a request: they share the prompt. */
export const toOpenAiUsage = (usages: readonly Usage[], prompts = 1) => {
  const perPrompt = Math.max(1, usages.length / prompts);
  const ofPrompts = usages.filter((_, index) => index % perPrompt === 0);
  const sum = (values: readonly (number | undefined)[]): number =>
    values.reduce<number>((all, one = 0) => all + one, 0);
  const promptTokens = sum(ofPrompts.map((usage) => usage.promptTokens));
  const answerTokens = sum(usages.map((usage) => usage.answerTokens));
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
    prompt_tokens_details: { cached_tokens: sum(ofPrompts.map((usage) => usage.cachedTokens)) },
  };
};
