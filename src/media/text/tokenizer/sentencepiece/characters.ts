/** What stands for a space in the pieces of a model. */
export const SPACE_SYMBOL = '\u2581';

export const characterSizeAt = (text: string, index: number): number =>
  (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;

/** The length of the longest of `words` that begins at an index of a text; 0 when none does. */
export const createPrefixMatcher = (words: readonly string[]): ((text: string, index: number) => number) => {
  const longestFirst = [...words].sort((a, b) => b.length - a.length);
  const byFirst = Map.groupBy(longestFirst, (word) => word.charCodeAt(0));
  return (text, index) =>
    byFirst.get(text.charCodeAt(index))?.find((word) => text.startsWith(word, index))?.length ?? 0;
};

/**
 * The length of the code of a target language, such as `>>fra<<`, that a text for a Marian model begins with; 0 when there is
 * none. `remove_language_code` of MarianTokenizer.
 */
export const languageCodeLength = (text: string): number => {
  const end = text.startsWith('>>') ? text.indexOf('<<') : -1;
  return end === -1 ? 0 : end + 2;
};
