import { refuse } from '../refuse.ts';

/** A literal of Python: tuples and lists are arrays, a dict is an object. */
export type Literal = null | boolean | number | string | readonly Literal[] | { readonly [key: string]: Literal };

const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ True: 'true', False: 'false', None: 'null' },
    ...{ '(': '[', ')': ']', '[': '[', ']': ']', '{': '{', '}': '}', ':': ':', ',': ',' },
  }),
);

const TOKEN = /\s*(?:'([^'\\]*)'|(\d{1,15})L?|([A-Za-z]+|[()[\]{}:,]))\s*/y;

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const [, quoted, digits, word = ''] = pattern.exec(text) ?? [];
    const token = quoted === undefined ? (digits ?? WORDS.get(word)) : JSON.stringify(quoted);
    tokens.push(
      token ?? refuse(`the header of an array has ${JSON.stringify(text.slice(at, at + 20))}, expected plain values`),
    );
  }
  return tokens;
};

/** The value of a literal of Python in the form of a header of `.npy`. Nothing is evaluated. @throws `MODEL_INVALID` for anything else */
export const parseLiteral = (text: string): Literal => {
  const tokens = tokensOf(text);
  const json = tokens.filter((token, index) => token !== ',' || !/^[\]}]$/.test(tokens[index + 1] ?? '')).join('');
  try {
    return JSON.parse(json);
  } catch (error) {
    return refuse(`the header of an array is ${JSON.stringify(text.slice(0, 40))}, expected a dict of Python`, error);
  }
};
