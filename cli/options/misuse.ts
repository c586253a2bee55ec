import { ServingError } from '../../src/core/errors.ts';
import { messageOf } from '../../src/core/message-of.ts';

const WRONG_WORDS = 'the words of the command line';

/** Refuses the words of the command line, which no state of the target would make right: exit code 2. @throws `INVALID_REQUEST` */
export const misuse: (problem: string) => never = (problem) => {
  throw new ServingError('INVALID_REQUEST', problem, { cause: WRONG_WORDS });
};

/** Tells whether `misuse` has thrown the error. */
export const isMisuse = (error: unknown): boolean => error instanceof ServingError && error.cause === WRONG_WORDS;

/** The value that `parse` makes of words. Each error of `parse` is one of the words. @throws `INVALID_REQUEST` */
export const fromWords = <T>(parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    return misuse(messageOf(error));
  }
};
