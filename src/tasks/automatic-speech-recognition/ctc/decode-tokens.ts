import { cleanUpSpaces } from '../../../media/text/clean-up-spaces.ts';
import type { CtcSettings } from '../settings.ts';

/** The meaning of a CTC model's ids. */
export type CtcVocabulary = Pick<
  CtcSettings,
  'tokens' | 'blank' | 'unknown' | 'wordDelimiter' | 'wordDelimiterText' | 'lowerCase' | 'cleanUpSpaces'
>;

export type TimestampUnit = 'char' | 'word';

/** A letter or word, with the range `[start, end)` of its outputs. */
interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

interface DecodedText {
  readonly text: string;
  readonly letters: readonly Span[];
}

/**
 * The text of the most likely token of each output: equal tokens in a row count once, blanks are dropped. Special tokens stay, as in
 * `Wav2Vec2CTCTokenizer.decode`.
 */
export const decodeTokens = (ids: readonly number[], vocabulary: CtcVocabulary): DecodedText => {
  const { tokens, blank, unknown, wordDelimiter, wordDelimiterText, lowerCase } = vocabulary;
  const letters: Span[] = [];
  const outputs = ids.map((id) => tokens[id] ?? unknown);
  let start = 0;
  outputs.forEach((token, index) => {
    if (outputs[index + 1] === token) return;
    const end = index + 1;
    if (token !== blank) letters.push({ text: token === wordDelimiter ? wordDelimiterText : token, start, end });
    start = end;
  });
  const joined = letters
    .map(({ text }) => text)
    .join('')
    .trim();
  const cased = lowerCase ? joined.toLowerCase() : joined;
  return { text: vocabulary.cleanUpSpaces ? cleanUpSpaces(cased) : cased, letters };
};

/** Words, made of the letters between delimiters, like `Wav2Vec2CTCTokenizer._get_word_offsets`. */
export const toWords = (letters: readonly Span[], delimiter: string): Span[] => {
  const words: Span[] = [];
  let word: { text: string; start: number; end: number } | undefined;
  for (const { text, start, end } of letters) {
    if (text === delimiter) {
      if (word) words.push(word);
      word = undefined;
    } else if (word) {
      word.text += text;
      word.end = end;
    } else word = { text, start, end };
  }
  if (word) words.push(word);
  return words;
};
