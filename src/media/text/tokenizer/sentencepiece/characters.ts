/** The character that pieces contain in the place of a space. */
export const SPACE_SYMBOL = '\u2581';

/** Creates a function that returns the length of the longest of `words` at an index of a text, 0 for no word. */
export const createPrefixMatcher = (words: readonly string[]): ((text: string, index: number) => number) => {
  const longestFirst = [...words].sort((a, b) => b.length - a.length);
  const byFirst = Map.groupBy(longestFirst, (word) => word.charCodeAt(0));
  return (text, index) =>
    byFirst.get(text.charCodeAt(index))?.find((word) => text.startsWith(word, index))?.length ?? 0;
};

/**
 * Length of a target language's code, such as `>>fra<<`, at the beginning of a text for a Marian model; 0 for a text without a code
 * (`remove_language_code` of MarianTokenizer).
 */
export const languageCodeLength = (text: string): number => {
  const end = text.startsWith('>>') ? text.indexOf('<<') : -1;
  return end === -1 ? 0 : end + 2;
};
