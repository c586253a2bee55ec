import { SplitPreTokenizer } from '@huggingface/tokenizers';
import type { Span } from './aligned-text.ts';

/** The library's own declarations import without file extensions, which TypeScript does not resolve for ECMAScript modules. */
declare module '@huggingface/tokenizers' {
  export class SplitPreTokenizer {
    constructor(config: object);
    readonly pattern: RegExp | null;
  }
}

/** A pattern in `tokenizer.json`: literal text, or a regular expression of Oniguruma. */
export type PatternConfig = { readonly String: string } | { readonly Regex: string };

/** Escapes literal text for a regular expression. */
export const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Compiles a pattern in JavaScript's dialect, global and by code points. @throws SyntaxError for a pattern that only Oniguruma knows */
export const compilePattern = (config: PatternConfig): RegExp => {
  if ('String' in config) return new RegExp(escapePattern(config.String), 'gu');
  const { pattern } = new SplitPreTokenizer({ type: 'Split', pattern: config, behavior: 'Isolated', invert: true });
  if (pattern === null) throw new SyntaxError(`no pattern: ${JSON.stringify(config)}`);
  return pattern;
};

/** Splits `text` into the matches of `pattern` and the spans between them. */
export const matchSpans = (text: string, pattern: RegExp): Span[] => {
  const spans: Span[] = [];
  let previous = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (match.index > previous) spans.push({ start: previous, end: match.index, isMatch: false });
    spans.push({ start: match.index, end, isMatch: true });
    previous = end;
  }
  if (previous < text.length) spans.push({ start: previous, end: text.length, isMatch: false });
  return spans;
};

/** Exchanges matches and the spans between them. */
export const invert = (spans: readonly Span[]): Span[] => spans.map((span) => ({ ...span, isMatch: !span.isMatch }));
