import { ServingError } from '../../src/core/errors.ts';
import type { Options } from '../command.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of commands that delete. */
export const CONFIRM_OPTIONS = {
  yes: { type: 'boolean', description: 'do not ask' },
} as const satisfies Options;

/** Advice for whoever interrupts a command that deletes. */
export const finishDeletion = (typed: string): string =>
  `Interrupted. Some of it may be deleted; the same command deletes the rest: ${typed}\n`;

/** Asks `question`, unless `yes`. @throws `INVALID_REQUEST` when the answer is no, or no terminal is attached */
export const assertConfirmed = async (
  terminal: Terminal,
  yes: boolean | undefined,
  question: string,
): Promise<void> => {
  if (!yes && !(await terminal.confirm(question, 'say so with --yes')))
    throw new ServingError('INVALID_REQUEST', 'nothing was deleted');
};
