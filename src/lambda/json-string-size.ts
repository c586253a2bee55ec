const CONTROL = /\p{Cc}/u;

/** The number of times that `part` stands in `text`. */
const countOf = (text: string, part: string): number => {
  let count = 0;
  for (let index = text.indexOf(part); index >= 0; index = text.indexOf(part, index + 1)) count += 1;
  return count;
};

/**
 * Bytes of `text` as a JSON string in UTF-8, quotes included. JSON text has few characters that need an escape, and so they are counted: a
 * second text of megabytes only for its size would take three times as long.
 */
export const jsonStringBytes = (text: string): number =>
  CONTROL.test(text) || !text.isWellFormed()
    ? Buffer.byteLength(JSON.stringify(text))
    : Buffer.byteLength(text) + 2 + countOf(text, '"') + countOf(text, '\\');
