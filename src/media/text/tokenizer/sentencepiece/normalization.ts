import * as v from 'valibot';
import type { AlignedText } from '../aligned-text.ts';
import { parseCharsmap } from '../precompiled-charsmap.ts';
import { characterSizeAt, createPrefixMatcher, languageCodeLength, SPACE_SYMBOL } from './characters.ts';

/** `normalizer_spec` of a sentencepiece model, and what a tokenizer does before it. */
const schema = v.object({
  /** Base64; empty where characters stay as they are. */
  precompiled_charsmap: v.string(),
  add_dummy_prefix: v.boolean(),
  remove_extra_whitespaces: v.boolean(),
  /** Taken as they are. */
  user_defined_symbols: v.array(v.string()),
  /** Whether a code such as `>>fra<<` may come before the text. */
  language_codes: v.boolean(),
});

/** A part `[start, end)` of a text, and what it becomes. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

const utf8Size = (codePoint: number): number => {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x8_00) return 2;
  return codePoint < 0x1_00_00 ? 3 : 4;
};

/**
 * Prepares a text as sentencepiece does (`Normalize` in normalizer.cc): the longest known sequence at each place is replaced,
 * spaces become `▁`, one is put before the text, and where the model says so runs of them become one and those around the text go.
 */
export const createNormalization = (config: unknown): ((source: AlignedText) => AlignedText) => {
  const { precompiled_charsmap, add_dummy_prefix, remove_extra_whitespaces, user_defined_symbols, language_codes } =
    v.parse(schema, config);
  const find = precompiled_charsmap === '' ? () => undefined : parseCharsmap(precompiled_charsmap, 'longest');
  const matchDefined = createPrefixMatcher(user_defined_symbols);

  /** Parts of the text from `from` on, by what they become before spaces are looked at. */
  const replaceCharacters = (text: string, from: number): Part[] => {
    const bytes = new TextEncoder().encode(text.slice(from));
    const parts: Part[] = [];
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
      parts.push({ start, end, content: replacement?.content ?? text.slice(start, end) });
      start = end;
    }
    return parts;
  };

  const markSpaces = (parts: readonly Part[]): Part[] => {
    // The text begins with the first part that is anything but one space, even with one that is removed.
    const first = remove_extra_whitespaces ? parts.findIndex(({ content }) => content !== ' ') : 0;
    let isAfterSpace = remove_extra_whitespaces;
    return parts.map((part, index) => {
      if (index < first || first === -1) return { ...part, content: '' };
      const content = isAfterSpace ? part.content.replace(/^ +/, '') : part.content;
      if (remove_extra_whitespaces && content !== '') isAfterSpace = content.endsWith(' ');
      const prefix = index === first && add_dummy_prefix ? SPACE_SYMBOL : '';
      return { ...part, content: prefix + content.replaceAll(' ', SPACE_SYMBOL) };
    });
  };

  return (source) => {
    const { text } = source;
    const codeEnd = language_codes ? languageCodeLength(text) : 0;
    const parts = markSpaces(replaceCharacters(text, codeEnd));
    if (remove_extra_whitespaces) removeTrailingSpaces(parts);
    if (codeEnd > 0) parts.unshift({ start: 0, end: codeEnd, content: text.slice(0, codeEnd) });
    return source.rewrite(parts);
  };
};

const removeTrailingSpaces = (parts: Part[]): void => {
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index] as Part;
    let { length } = part.content;
    while (part.content[length - 1] === SPACE_SYMBOL) length--;
    parts[index] = { ...part, content: part.content.slice(0, length) };
    if (length > 0) return;
  }
};
