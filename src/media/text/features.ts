import { type Features, MOST_DESCRIBED } from '../../core/features.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The beginning of a text is enough to describe it. */
const MOST_CHARACTERS = 10_000;

const SCRIPTS: readonly (readonly [name: string, letters: RegExp])[] = [
  ['latin', /\p{Script=Latin}/gu],
  ['cyrillic', /\p{Script=Cyrillic}/gu],
  ['greek', /\p{Script=Greek}/gu],
  ['arabic', /\p{Script=Arabic}/gu],
  ['hebrew', /\p{Script=Hebrew}/gu],
  ['devanagari', /\p{Script=Devanagari}/gu],
  ['thai', /\p{Script=Thai}/gu],
  ['hangul', /\p{Script=Hangul}/gu],
  ['kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['han', /\p{Script=Han}/gu],
];

/** The script of most letters; `none` for a text without letters, `other` for a script that has no name here. */
const scriptOf = (text: string): string => {
  if (!/\p{L}/u.test(text)) return 'none';
  let [best, most] = ['other', 0];
  for (const [name, letters] of SCRIPTS) {
    const count = text.match(letters)?.length ?? 0;
    if (count > most) [best, most] = [name, count];
  }
  return best;
};

/** Characters and script of a text and, with a tokenizer, its tokens and the share of them that it does not know. */
export const textFeatures = (text: string, tokenizer?: Tokenizer): Features => {
  const start = text.slice(0, MOST_CHARACTERS);
  const plain = { characters: text.length, script: scriptOf(start) };
  if (tokenizer === undefined) return plain;
  const { ids } = tokenizer.encode(start, { addSpecialTokens: false, maxLength: Number.POSITIVE_INFINITY });
  const { unknownId } = tokenizer;
  const unknown = unknownId === undefined ? 0 : ids.filter((id) => id === unknownId).length;
  return { ...plain, tokens: ids.length, unknown_share: ids.length === 0 ? 0 : unknown / ids.length };
};

/** See `textFeatures`: the first of many texts. */
export const describeTexts = (texts: readonly string[], tokenizer?: Tokenizer): Features[] =>
  texts.slice(0, MOST_DESCRIBED).map((text) => textFeatures(text, tokenizer));
