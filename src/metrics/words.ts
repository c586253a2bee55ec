/** White space by the definition of Python, which differs from that of JavaScript. */
const SPACE = '[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const SPACES = new RegExp(`${SPACE}+`, 'u');
const SEVERAL_SPACES = new RegExp(`${SPACE}${SPACE}+`, 'gu');
const OUTER_SPACES = new RegExp(`^${SPACE}+|${SPACE}+$`, 'gu');
const LAST_SPACES = new RegExp(`${SPACE}+$`, 'u');

/** The words of a text, by Python's `split()`. */
export const splitAtSpaces = (text: string): string[] => text.split(SPACES).filter((word) => word !== '');

/** The text without white space around it. */
export const strip = (text: string): string => text.replace(OUTER_SPACES, '');

/** The text without white space at its end. */
export const stripEnd = (text: string): string => text.replace(LAST_SPACES, '');

/** Several spaces become one blank. */
export const mergeSpaces = (text: string): string => text.replace(SEVERAL_SPACES, ' ');

/** The number of times that each n-gram of `tokens` occurs. */
export const countNgrams = (tokens: readonly string[], order: number, separator: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= tokens.length; start += 1) {
    const ngram = tokens.slice(start, start + order).join(separator);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
};

/** The number of n-grams that both have. */
export const countShared = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number => {
  let shared = 0;
  for (const [ngram, count] of a) shared += Math.min(count, b.get(ngram) ?? 0);
  return shared;
};

/** The least insertions, deletions and replacements that make `b` of `a`: Levenshtein (1966). */
export const editDistance = (a: readonly string[], b: readonly string[]): number => {
  let above = Uint32Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const here = new Uint32Array(b.length + 1);
    here[0] = row;
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      here[column] = Math.min(replaced, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1);
    }
    above = here;
  }
  return above[b.length] ?? 0;
};
