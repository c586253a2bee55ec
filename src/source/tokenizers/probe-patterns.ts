import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { findBacktracking } from '../../media/text/tokenizer/time-limit.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';

/** Characters of the usual classes: `\w`, `\d`, `\s` and none of them. */
const USUAL = ['a', 'A', '0', ' ', '\n', '!', '\u00e9', '\u4e2d'];
const MOST_CHARACTERS = 64;
/** Repetitions that bring out what doubles with each character, and what grows with the cube of the length. */
const LENGTHS = [40, 2_000];
const TAILS = ['', '!', 'a', '\n'];

/**
 * Tries the regular expressions of a tokenizer on the texts on which they go back most: a character many times, and another one.
 * @throws `MODEL_INVALID` naming the expressions when they do not end in time
 */
export const probePatterns = (json: object, tokenizer: Tokenizer): void => {
  const patterns = findBacktracking(json);
  if (patterns.length === 0) return;
  const characters = [...new Set([...USUAL, ...patterns.join('')])].slice(0, MOST_CHARACTERS);
  for (const length of LENGTHS)
    for (const character of characters)
      for (const tail of TAILS)
        try {
          tokenizer.encode(character.repeat(length) + tail);
        } catch (error) {
          refuse(
            'MODEL_INVALID',
            `tokenizer.json fails on the text of ${length} times ${show(character)} and ${show(tail)}: ${ServingError.from(error).message}`,
          );
        }
};
