import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { toTexts } from '../../media/text/input.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';

/** A beginning that a model continues. */
export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly ids: readonly number[] };

export interface Prompts {
  readonly prompts: readonly Prompt[];
  /** Tells that the caller sent a list, whose answers are lists. */
  readonly isList: boolean;
}

const readTokens = (tokens: unknown): Prompt => {
  const ids = Array.isArray(tokens) ? tokens : [];
  if (!Array.isArray(tokens) || !ids.every((id) => Number.isInteger(id) && id >= 0))
    return refuse('INVALID_INPUT', `"tokens" is ${show(tokens)}, expected a list of the numbers of tokens`);
  return { kind: 'tokens', ids };
};

/**
 * Reads the prompts of a request: a text, a list of texts, or `{"tokens": [1, 15043]}`.
 * @throws the errors of `toTexts`
 */
export const readPrompts = (payload: Payload): Prompts => {
  const { inputs } = payload;
  if (isObject(inputs) && 'tokens' in inputs) return { prompts: [readTokens(inputs.tokens)], isList: false };
  const { texts, isList } = toTexts(payload);
  return { prompts: texts.map((text) => ({ kind: 'text', text })), isList };
};

/** The tokens of a prompt. @throws `INVALID_INPUT` for tokens that the model does not know */
export const encodePrompt = (prompt: Prompt, tokenizer: Tokenizer): readonly number[] => {
  if (prompt.kind === 'text') return tokenizer.encode(prompt.text, { maxLength: Number.POSITIVE_INFINITY }).ids;
  const unknown = prompt.ids.find((id) => tokenizer.token(id) === undefined);
  return unknown === undefined
    ? prompt.ids
    : refuse('INVALID_INPUT', `token ${unknown} is not in the vocabulary of ${tokenizer.vocabSize} tokens`);
};
