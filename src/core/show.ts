/** Characters. */
const LONGEST = 80;

/** A caller's value as a message may repeat it: JSON of a bounded length for any value. */
export const show = (value: unknown): string => shorten(toText(value));

/** A caller's text as a message may repeat it without quotes, such as a path or a media type. */
export const shorten = (text: string, longest = LONGEST): string =>
  text.length > longest ? `${text.slice(0, longest)}…` : text;

const toText = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST + 1));
  if (typeof value === 'number') return String(value); // JSON has no Infinity
  try {
    const json = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
    return json ?? String(value);
  } catch {
    return 'a value that is nested too deep'; // JSON.stringify recurses
  }
};
