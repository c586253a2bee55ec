/** A text as a literal of XGrammar's EBNF. */
export const literal = (text: string): string => JSON.stringify(text);

/**
 * Rules of JSON in EBNF. Beyond ASCII, XGrammar's classes stand for bytes, so that UTF-8 is spelt out here. A class of a single byte would
 * become a character, hence `\xFF` in some: no token has that byte. Numbers have up to 15 digits and an exponent of two, which a float64 takes.
 */
export const JSON_RULES: Readonly<Record<string, string>> = {
  space: String.raw`"" | " " | "\n" [ \t]{0,24}`,
  tail: String.raw`[\x80-\xBF]`,
  wide: [
    String.raw`[\xC2-\xDF] tail | [\xE0\xFF] [\xA0-\xBF] tail | [\xE1-\xEC] tail tail | [\xED\xFF] [\x80-\x9F] tail`,
    String.raw`[\xEE-\xEF] tail tail | [\xF0\xFF] [\x90-\xBF] tail tail | [\xF1-\xF3] tail tail tail`,
    String.raw`[\xF4\xFF] [\x80-\x8F] tail tail`,
  ].join(' | '),
  hex: '[0-9a-fA-F]',
  escape: String.raw`"\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] hex hex hex | [dD] [0-7] hex hex | [dD] [89abAB] hex hex "\\u" [dD] [c-fC-F] hex hex))`,
  character: String.raw`[ !#-[\]-~] | wide | escape`,
  text: String.raw`"\"" character* "\""`,
  number: String.raw`"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [+\-]? [0-9]{1,2})?`,
  integer: '"0" | "-"? [1-9] [0-9]{0,14}',
  any: 'object | array | text | number | "true" | "false" | "null"',
  array: '"[" space (any (space "," space any)*)? space "]"',
  pair: 'text space ":" space any',
  object: '"{" space (pair (space "," space pair)*)? space "}"',
};
