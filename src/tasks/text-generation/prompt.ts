import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { assertCharacters, assertText, toTexts } from '../../media/text/input.ts';
import { type Conversation, isMessages, readConversation } from './chat.ts';
import type { Resources } from './resources.ts';

/** A beginning that a model continues. */
export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly ids: readonly number[] }
  | { readonly kind: 'chat'; readonly conversation: Conversation };

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
 * Reads the prompts of a request: a text, a list of texts, `{"tokens": [1, 15043]}`, a list of messages, or `{"messages": […], "tools": […]}`.
 * @throws the errors of `toTexts`
 */
export const readPrompts = (payload: Payload): Prompts => {
  const { inputs } = payload;
  if (isObject(inputs) && 'tokens' in inputs) return { prompts: [readTokens(inputs.tokens)], isList: false };
  if (isMessages(inputs) || (isObject(inputs) && 'messages' in inputs))
    return { prompts: [{ kind: 'chat', conversation: readConversation(inputs) }], isList: false };
  const { texts, isList } = toTexts(payload);
  return { prompts: texts.map((text) => ({ kind: 'text', text })), isList };
};

const WHOLE = { maxLength: Number.POSITIVE_INFINITY };

/** The text of a conversation has the special tokens already. */
const encodeChat = (conversation: Conversation, { tokenizer, chat }: Resources): readonly number[] => {
  if (chat === undefined)
    return refuse(
      'INVALID_INPUT',
      'the model has no chat template: send a text, or push a folder with chat_template.jinja',
    );
  const text = chat(conversation);
  assertCharacters(text.length);
  assertText(text, 'the text of the conversation');
  return tokenizer.encode(text, { ...WHOLE, addSpecialTokens: false }).ids;
};

/** The tokens of a prompt. @throws `INVALID_INPUT` for tokens that the model does not know, and for a conversation that it does not take */
export const encodePrompt = (prompt: Prompt, resources: Resources): readonly number[] => {
  const { tokenizer } = resources;
  if (prompt.kind === 'text') return tokenizer.encode(prompt.text, WHOLE).ids;
  if (prompt.kind === 'chat') return encodeChat(prompt.conversation, resources);
  const unknown = prompt.ids.find((id) => tokenizer.token(id) === undefined);
  return unknown === undefined
    ? prompt.ids
    : refuse('INVALID_INPUT', `token ${unknown} is not in the vocabulary of ${tokenizer.vocabSize} tokens`);
};
