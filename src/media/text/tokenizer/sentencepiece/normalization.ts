import * as v from 'valibot';
import type { AlignedText, Rewrite } from '../aligned-text.ts';
import { characterSizeAt } from '../characters.ts';
import { parseCharsmap } from '../precompiled-charsmap.ts';
import { createPrefixMatcher, languageCodeLength, SPACE_SYMBOL } from './characters.ts';

/** `normalizer_spec` of a sentencepiece model, and the steps of a tokenizer before it. */
const schema = v.object({
  /** Base64; empty for a model that does not change characters. */
  precompiled_charsmap: v.string(),
  add_dummy_prefix: v.boolean(),
  remove_extra_whitespaces: v.boolean(),
  /** Texts that stay unchanged. */
  user_defined_symbols: v.array(v.string()),
  /** Tells that a code such as `>>fra<<` may come before the text. */
  language_codes: v.boolean(),
});

const utf8Size = (codePoint: number): number => {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x8_00) return 2;
  return codePoint < 0x1_00_00 ? 3 : 4;
};

/**
 * Normalises a text like sentencepiece (`Normalize` in normalizer.cc). It replaces the longest known sequence at each position, writes
 * `▁` for spaces, and adds a space before the text. With `remove_extra_whitespaces`, runs of spaces become one, and those around the
 * text go.
 */
export const createNormalization = (config: unknown): ((source: AlignedText) => AlignedText) => {
  const { precompiled_charsmap, add_dummy_prefix, remove_extra_whitespaces, user_defined_symbols, language_codes } =
    v.parse(schema, config);
  const find = precompiled_charsmap === '' ? () => undefined : parseCharsmap(precompiled_charsmap, 'longest');
  const matchDefined = createPrefixMatcher(user_defined_symbols);

  /** Applies the character map to the text from `from` on. */
  const replaceCharacters = (text: string, from: number): Rewrite[] => {
    const bytes = new TextEncoder().encode(text.slice(from));
    const rewrites: Rewrite[] = [];
    let offset = 0;
    for (let start = from; start < text.length; ) {
      const defined = matchDefined(text, start);
      const replacement = defined > 0 ? undefined : find(bytes, offset);
      const nextOffset = offset + (replacement?.bytes ?? 1);
      let end = start;
      while (offset < nextOffset || end < start + defined) {
        offset += utf8Size(text.codePointAt(end) ?? 0);
        end += characterSizeAt(text, end);
      }
      rewrites.push({ start, end, content: replacement?.content ?? text.slice(start, end) });
      start = end;
    }
    return rewrites;
  };

  const markSpaces = (rewrites: readonly Rewrite[]): Rewrite[] => {
    // The text begins with the first rewrite to anything but one space; an empty one counts, too.
    const first = remove_extra_whitespaces ? rewrites.findIndex(({ content }) => content !== ' ') : 0;
    let isAfterSpace = remove_extra_whitespaces;
    return rewrites.map((rewrite, index) => {
      if (index < first || first === -1) return { ...rewrite, content: '' };
      const content = isAfterSpace ? rewrite.content.replace(/^ +/, '') : rewrite.content;
      if (remove_extra_whitespaces && content !== '') isAfterSpace = content.endsWith(' ');
      const prefix = index === first && add_dummy_prefix ? SPACE_SYMBOL : '';
      return { ...rewrite, content: prefix + content.replaceAll(' ', SPACE_SYMBOL) };
    });
  };

  return (source) => {
    const { text } = source;
    const codeEnd = language_codes ? languageCodeLength(text) : 0;
    const rewrites = markSpaces(replaceCharacters(text, codeEnd));
    const trimmed = remove_extra_whitespaces ? removeTrailingSpaces(rewrites) : rewrites;
    if (codeEnd > 0) trimmed.unshift({ start: 0, end: codeEnd, content: text.slice(0, codeEnd) });
    return source.rewrite(trimmed);
  };
};

const removeTrailingSpaces = (rewrites: readonly Rewrite[]): Rewrite[] => {
  let isTrailing = true;
  const trimmed = rewrites.toReversed().map((rewrite) => {
    if (!isTrailing) return rewrite;
    let { length } = rewrite.content;
    while (rewrite.content[length - 1] === SPACE_SYMBOL) length--;
    if (length > 0) isTrailing = false;
    return { ...rewrite, content: rewrite.content.slice(0, length) };
  });
  return trimmed.reverse();
};
