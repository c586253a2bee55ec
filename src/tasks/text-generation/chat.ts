import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { ReadFile } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { createChatTemplate } from '../../media/text/chat/chat-template.ts';

/** The file with the chat templates of a version: push makes it of those that a folder may have. */
export const CHAT_FILE = 'chat.json';

const chatSchema = v.object({
  templates: v.record(v.string(), v.string()),
  tokens: v.record(v.string(), v.string()),
});

/** A conversation that a model is to continue. */
export interface Conversation {
  readonly messages: readonly unknown[];
  readonly tools: readonly unknown[] | undefined;
  readonly addGenerationPrompt: boolean;
  /** Variables of the template that a caller sets, such as `enable_thinking`. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The prompt of a conversation. @throws `INVALID_INPUT` in the template's words, `MODEL_INVALID` */
export type RenderChat = (conversation: Conversation) => string;

/** @throws `MODEL_INVALID` for a template that cannot be read */
export const loadChat = async (read: ReadFile): Promise<RenderChat> => {
  const { templates, tokens } = v.parse(chatSchema, JSON.parse(Buffer.from(await read(CHAT_FILE)).toString()));
  const created = new Map(Object.entries(templates).map(([name, source]) => [name, createChatTemplate(source)]));
  return ({ messages, tools, addGenerationPrompt, variables }) => {
    const template = (tools && created.get('tool_use')) ?? created.get('default');
    if (template === undefined) return refuse('MODEL_INVALID', `${CHAT_FILE} has no template "default"`);
    return template.render({ messages, tools, addGenerationPrompt, variables: { ...variables, ...tokens } });
  };
};

const isMessage = (value: unknown): boolean => isObject(value) && typeof value.role === 'string';

/** True for Hugging Face's form of a conversation: a list of messages with roles. */
export const isMessages = (inputs: unknown): inputs is readonly unknown[] =>
  Array.isArray(inputs) && inputs.length > 0 && inputs.every(isMessage);

/** True for a text, for none, and for parts of text; templates leave out images without a word. */
const isTextual = (content: unknown): boolean =>
  content === undefined ||
  content === null ||
  typeof content === 'string' ||
  (Array.isArray(content) && content.every((part) => isObject(part) && typeof part.text === 'string'));

const assertTextual = (message: unknown, index: number): void => {
  const { content } = isObject(message) ? message : {};
  if (!isTextual(content))
    refuse(
      'INVALID_INPUT',
      `"content" of messages[${index}] is ${show(content)}, expected a text: the model takes text alone`,
    );
};

/** Reads a conversation: a list of messages, or an object of messages and tools. @throws `INVALID_INPUT` */
export const readConversation = (inputs: unknown): Conversation => {
  const given = isObject(inputs) ? inputs : { messages: inputs };
  const { messages, tools, chat_template_kwargs: variables = {}, add_generation_prompt: asked = true } = given;
  if (!isMessages(messages))
    return refuse('INVALID_INPUT', `"messages" is ${show(messages)}, expected [{"role": "user", "content": "…"}, …]`);
  messages.forEach(assertTextual);
  if (tools !== undefined && !Array.isArray(tools))
    return refuse('INVALID_INPUT', `"tools" is ${show(tools)}, expected a list of functions`);
  if (!isObject(variables))
    return refuse('INVALID_INPUT', `"chat_template_kwargs" is ${show(variables)}, expected an object`);
  return { messages, tools: tools?.length === 0 ? undefined : tools, addGenerationPrompt: asked === true, variables };
};
