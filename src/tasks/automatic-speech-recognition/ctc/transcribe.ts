import { cleanUpSpaces } from '../../../media/text/clean-up-spaces.ts';

/** What the ids of a CTC model stand for, from `vocab.json` and `tokenizer_config.json`. */
export interface CtcVocabulary {
  /** By id. */
  readonly tokens: readonly string[];
  /** Separates a letter from the same letter again: `pad_token`. */
  readonly blank: string;
  /** Stands for ids that have no token: `unk_token`. */
  readonly unknown: string;
  readonly wordDelimiter: string;
  /** What is written for it. */
  readonly wordDelimiterText: string;
  readonly lowerCase: boolean;
  readonly cleanUpSpaces: boolean;
}

export type TimestampUnit = 'char' | 'word';

/** A letter or word, and the outputs of the model, from `start` up to `end`, that it was read from. */
interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Transcript {
  readonly text: string;
  readonly letters: readonly Span[];
}

/**
 * The most likely token of each output → text: the same token in a row counts once, blanks are dropped.
 * As `Wav2Vec2CTCTokenizer.decode`, which keeps special tokens.
 */
export const transcribe = (ids: ArrayLike<number>, vocabulary: CtcVocabulary): Transcript => {
  const { tokens, blank, unknown, wordDelimiter, wordDelimiterText, lowerCase } = vocabulary;
  const letters: Span[] = [];
  for (let start = 0, end = 0; start < ids.length; start = end) {
    const token = tokens[ids[start] as number] ?? unknown;
    while (end < ids.length && (tokens[ids[end] as number] ?? unknown) === token) end += 1;
    if (token !== blank) letters.push({ text: token === wordDelimiter ? wordDelimiterText : token, start, end });
  }
  const joined = letters
    .map(({ text }) => text)
    .join('')
    .trim();
  const cased = lowerCase ? joined.toLowerCase() : joined;
  return { text: vocabulary.cleanUpSpaces ? cleanUpSpaces(cased) : cased, letters };
};

/** Letters between delimiters. As `Wav2Vec2CTCTokenizer._get_word_offsets`. */
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
