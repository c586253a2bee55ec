import type { Piece, VocabularyModel } from './vocabulary-model.ts';

/** Most words whose pieces are kept, and the longest of them. */
const MOST_WORDS = 10_000;
const LONGEST_WORD = 64;

/** Keeps the pieces of words: most words of a text stood in another one before. */
export const rememberWords = (cut: VocabularyModel['cut']): VocabularyModel['cut'] => {
  const remembered = new Map<string, readonly Piece[]>();
  return (word) => {
    const known = remembered.get(word);
    if (known !== undefined) return known;
    const pieces = cut(word);
    if (word.length <= LONGEST_WORD && remembered.size < MOST_WORDS) remembered.set(word, pieces);
    return pieces;
  };
};
