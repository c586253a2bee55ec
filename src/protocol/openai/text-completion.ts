import { refuse } from '../../core/errors.ts';
import type { CompletionRequest } from './chat-completion.ts';
import type { CompletionFormat } from './completion-format.ts';
import type { TokenLogprob } from './deltas.ts';
import { type Fields, parseFields, refuseField } from './fields.ts';
import { GENERATION_FIELDS, readGeneration, readTopLogprobs } from './generation-parameters.ts';
import { readGrammar } from './tools.ts';

/** The fields of a request, beside those that change nothing. */
export const TEXT_FIELDS = [...GENERATION_FIELDS, 'prompt', 'echo', 'logprobs', 'best_of', 'suffix'];
const MOST_PROMPTS = 32;

const isIds = (prompt: unknown): prompt is number[] =>
  Array.isArray(prompt) && prompt.length > 0 && prompt.every((id) => Number.isInteger(id) && id >= 0);

/** A text or the ids of tokens, or a list of these. */
const readPrompts = (prompt: unknown): readonly unknown[] => {
  const prompts: unknown[] = Array.isArray(prompt) && !isIds(prompt) ? prompt : [prompt];
  if (prompts.length === 0 || prompts.length > MOST_PROMPTS)
    return refuseField('prompt', prompt, `a text, or a list of 1 to ${MOST_PROMPTS} texts`);
  return prompts.map((each) => {
    if (typeof each === 'string') return each;
    return isIds(each) ? { tokens: each } : refuseField('prompt', each, 'a text, or the ids of tokens');
  });
};

const assertSupported = ({ best_of: best = 1, suffix = '', echo = false, logprobs }: Fields): void => {
  if (best !== 1) refuseField('best_of', best, '1');
  if (suffix !== '') refuseField('suffix', suffix, 'none: the models continue a text');
  if (typeof echo !== 'boolean') refuseField('echo', echo, 'true or false');
  if (echo === true && logprobs !== undefined)
    refuse('INVALID_REQUEST', '"echo" and "logprobs" do not go together: prompts have no log-probabilities here');
};

/** A request of `POST /v1/completions`. https://platform.openai.com/docs/api-reference/completions @throws `INVALID_REQUEST` */
export const parseTextRequest = (document: unknown): CompletionRequest => {
  const fields = parseFields(document, TEXT_FIELDS);
  assertSupported(fields);
  const { logprobs } = fields;
  const top = { details: true, top_n_tokens: readTopLogprobs('logprobs', logprobs) };
  const grammar = readGrammar(fields);
  const { choices, ...generation } = readGeneration(fields);
  const prompts = readPrompts(fields.prompt);
  if (fields.echo === true && !prompts.every((prompt) => typeof prompt === 'string'))
    refuse('INVALID_REQUEST', '"echo" is for texts, and "prompt" has the ids of tokens');
  return {
    ...generation,
    ...{ prompts: prompts.length, toolNames: [] },
    choices: prompts.flatMap((inputs) =>
      choices.map((parameters) => ({
        ...{ inputs, parameters: { ...parameters, ...grammar, ...(logprobs !== undefined && top) } },
        ...(fields.echo === true && typeof inputs === 'string' && { echo: inputs }),
      })),
    ),
  };
};

/** @param start characters of the answer's tokens before these */
const toLogprobs = (tokens: readonly TokenLogprob[], start: number) => {
  let offset = start;
  const offsets = tokens.map(({ text }) => {
    offset += text.length;
    return offset - text.length;
  });
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset: offsets,
  };
};

/** https://platform.openai.com/docs/api-reference/completions/object */
export const TEXT: CompletionFormat = {
  ...{ idPrefix: 'cmpl', object: 'text_completion', chunkObject: 'text_completion' },
  toFirst: () => undefined,
  toChunks({ content, logprobs, end }, { characters }) {
    if (content === '' && logprobs.length === 0 && end === undefined) return [];
    const told = logprobs.length > 0 ? toLogprobs(logprobs, characters) : null;
    return [{ text: content, logprobs: told, finish_reason: end?.finishReason ?? null }];
  },
  toChoice: ({ content, logprobs, end }) => ({
    text: content,
    logprobs: logprobs.length > 0 ? toLogprobs(logprobs, 0) : null,
    finish_reason: end?.finishReason ?? null,
  }),
};
