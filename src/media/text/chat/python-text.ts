/** The characters for which `str.isspace` of Python is true, and those of JavaScript are others. */
const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const LEADING_SPACES = new RegExp(`^[${SPACES}]+`);
const TRAILING_SPACES = new RegExp(`[${SPACES}]+$`);

const lstrip = (text: string, characters?: string): string => {
  if (characters === undefined) return text.replace(LEADING_SPACES, '');
  const set = new Set(characters);
  let start = 0;
  for (const character of text) {
    if (!set.has(character)) break;
    start += character.length;
  }
  return text.slice(start);
};

const rstrip = (text: string, characters?: string): string => {
  if (characters === undefined) {
    const last = text.at(-1);
    return last !== undefined && TRAILING_SPACES.test(last) ? rstripSpaces(text) : text;
  }
  const set = new Set(characters);
  const all = Array.from(text);
  let end = all.length;
  while (end > 0 && set.has(all[end - 1] ?? '')) end -= 1;
  return all.slice(0, end).join('');
};

/** From the end: a regular expression would begin at each space of the text. */
const rstripSpaces = (text: string): string => {
  let end = text.length;
  while (end > 0 && TRAILING_SPACES.test(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
};

const strip = (text: string, characters?: string): string => rstrip(lstrip(text, characters), characters);

/** Methods of Python's `str` whose namesakes in the template engine do something else; `trim` is a filter of Jinja. */
export const PYTHON_TEXT: Readonly<Record<string, (text: string, characters?: string) => string>> = {
  strip,
  lstrip,
  rstrip,
  trim: strip,
};
