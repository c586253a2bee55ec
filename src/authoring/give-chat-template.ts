import { readFile } from 'node:fs/promises';
import { refuse, ServingError } from '../core/errors.ts';
import { CHAT_TEMPLATE } from '../source/chat-templates.ts';
import type { ModelSource } from '../source/model-source.ts';

/** The task whose models have chat templates. */
const TASK = 'text-generation';

/**
 * The source with the chat template in `file`, in Jinja, in the place of its own.
 * @throws `INVALID_REQUEST` for a model of another task, and for an empty file; `NOT_FOUND`
 */
export const giveChatTemplate = async (source: ModelSource, task: string, file: string): Promise<ModelSource> => {
  if (task !== TASK)
    refuse('INVALID_REQUEST', `--chat-template is for models of the task ${TASK}; this one has the task ${task}`);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ServingError('NOT_FOUND', `there is no chat template ${file} that can be read`, { cause });
  });
  if (text.trim() === '') refuse('INVALID_REQUEST', `the chat template ${file} is empty; expected a template in Jinja`);
  return { ...source, given: { ...source.given, [CHAT_TEMPLATE]: text } };
};
