import * as library from '@huggingface/tokenizers';
import type { Part } from './aligned-text.ts';

/** The library's own declarations import without file extensions, which TypeScript does not resolve for ECMAScript modules. */
const { SplitPreTokenizer } = library as unknown as {
  readonly SplitPreTokenizer: new (config: object) => { readonly pattern: RegExp | null };
};

/** A pattern as `tokenizer.json` writes it: literal, or a regular expression of Oniguruma. */
export type PatternConfig = { readonly String: string } | { readonly Regex: string };

/** The pattern in JavaScript's dialect, global and by code points. @throws `SyntaxError` where Oniguruma's has no equal */
export const compilePattern = (config: PatternConfig): RegExp => {
  if ('String' in config) return new RegExp(config.String.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gu');
  const { pattern } = new SplitPreTokenizer({ type: 'Split', pattern: config, behavior: 'Isolated', invert: true });
  if (pattern === null) throw new SyntaxError(`no pattern: ${JSON.stringify(config)}`);
  return pattern;
};

/** Cuts `text` into what `pattern` matches and what lies between. */
export const matchParts = (text: string, pattern: RegExp): Part[] => {
  const parts: Part[] = [];
  let previous = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (match.index > previous) parts.push({ start: previous, end: match.index, isMatch: false });
    parts.push({ start: match.index, end, isMatch: true });
    previous = end;
  }
  if (previous < text.length) parts.push({ start: previous, end: text.length, isMatch: false });
  return parts;
};

/** The same parts with matches and what lies between exchanged. */
export const invert = (parts: readonly Part[]): Part[] => parts.map((part) => ({ ...part, isMatch: !part.isMatch }));
