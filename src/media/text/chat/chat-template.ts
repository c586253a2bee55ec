import { Environment, parse, tokenize } from '@huggingface/jinja';
import { refuse, ServingError } from '../../../core/errors.ts';
import { messageOf } from '../../../core/message-of.ts';
import { shorten } from '../../../core/show.ts';
import { BoundedInterpreter, boundedRange } from './bounded-interpreter.ts';
import { strftime } from './strftime.ts';

/** A conversation as templates of Hugging Face read it. https://huggingface.co/docs/transformers/chat_templating */
export interface Chat {
  readonly messages: readonly unknown[];
  /** Functions that the model may call, as JSON Schema; undefined for none. */
  readonly tools?: readonly unknown[] | undefined;
  /** True when the model is to answer. */
  readonly addGenerationPrompt: boolean;
  /** Further variables: the special tokens by name, such as `bos_token`, and what a caller adds. */
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface ChatTemplate {
  /**
   * The prompt of a conversation, as `apply_chat_template` of transformers makes it.
   * @throws `INVALID_INPUT` in the template's own words when it refuses the messages; `MODEL_INVALID` when it runs out of its bounds
   */
  render(chat: Chat): string;
}

/** Characters of a template. Known models have up to 30,000. */
const MOST_CHARACTERS = 262_144;
/** Characters of a refusal. */
const LONGEST_REFUSAL = 500;

const globalsAt = (date: () => Date): Readonly<Record<string, unknown>> => ({
  ...{ false: false, true: true, none: null, False: false, True: true, None: null },
  range: boundedRange,
  strftime_now: (format: unknown) => strftime(date(), String(format)),
  raise_exception: (message: unknown) => refuse('INVALID_INPUT', shorten(String(message), LONGEST_REFUSAL)),
});

const parseTemplate = (source: string) => {
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (error) {
    const problem = `the chat template cannot be read: ${shorten(messageOf(error))}`;
    throw new ServingError('MODEL_INVALID', problem, { cause: error });
  }
};

/** @throws `MODEL_INVALID` for a text that is no template */
export const createChatTemplate = (source: string, now: () => Date = () => new Date()): ChatTemplate => {
  if (source.length > MOST_CHARACTERS)
    refuse('MODEL_INVALID', `the chat template has ${source.length} characters, at most ${MOST_CHARACTERS} are taken`);
  const program = parseTemplate(source);
  return {
    render({ messages, tools = null, addGenerationPrompt, variables }) {
      const chat = { messages, tools, documents: null, add_generation_prompt: addGenerationPrompt };
      try {
        const scope = new Environment();
        for (const [name, value] of Object.entries({ ...globalsAt(now), ...variables, ...chat }))
          scope.set(name, value);
        return String(new BoundedInterpreter(scope).run(program).value);
      } catch (error) {
        if (error instanceof ServingError) throw error;
        const problem = `the chat template of the model does not take these messages: ${shorten(messageOf(error))}`;
        throw new ServingError('INVALID_INPUT', problem, { cause: error });
      }
    },
  };
};
