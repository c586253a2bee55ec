import * as v from 'valibot';
import type { AlignedText } from './aligned-text.ts';
import { isControl, isIdeograph, isMark, isNonspacingMark, isWhitespace, toByteCharacters } from './characters.ts';
import { createCharsmap } from './charsmap.ts';
import { compilePattern, matchSpans } from './patterns.ts';
import { createKind, patternSchema } from './schemas.ts';
import { createNormalization } from './sentencepiece/normalization.ts';
import { toUnicodeForm } from './unicode-form.ts';

/** Changes a text before it is split into words. */
export type Normalizer = (source: AlignedText) => AlignedText;

const PRINTABLE_ASCII = /^[ -~]*$/;

const isPlain = ({ text }: AlignedText): boolean => PRINTABLE_ASCII.test(text);

const lowerCase: Normalizer = (source) =>
  isPlain(source) ? source.withUnits(source.text.toLowerCase()) : source.map((character) => character.toLowerCase());

const bertSchema = v.object({
  clean_text: v.boolean(),
  handle_chinese_chars: v.boolean(),
  strip_accents: v.nullish(v.boolean()),
  lowercase: v.boolean(),
});

const cleanText: Normalizer = (source) =>
  source.map((character) => {
    if (character === '\0' || character === '\ufffd' || isControl(character)) return '';
    return isWhitespace(character) ? ' ' : character;
  });

const stripAccents: Normalizer = (source) =>
  toUnicodeForm(source, 'NFD').map((character) => (isNonspacingMark(character) ? '' : character));

const bert = (config: unknown): Normalizer => {
  const { clean_text, handle_chinese_chars, strip_accents, lowercase } = v.parse(bertSchema, config);
  const all = chain([
    ...(clean_text ? [cleanText] : []),
    ...(handle_chinese_chars
      ? [(source: AlignedText) => source.map((character) => (isIdeograph(character) ? ` ${character} ` : character))]
      : []),
    ...((strip_accents ?? lowercase) ? [stripAccents] : []),
    ...(lowercase ? [lowerCase] : []),
  ]);
  if (!lowercase) return (source) => (isPlain(source) ? source : all(source));
  return (source) => (isPlain(source) ? lowerCase(source) : all(source));
};

const strip = (config: unknown): Normalizer => {
  const { strip_left, strip_right } = v.parse(v.object({ strip_left: v.boolean(), strip_right: v.boolean() }), config);
  return (source) => {
    const { text } = source;
    let start = 0;
    let end = text.length;
    while (strip_left && start < end && isWhitespace(text[start] ?? '')) start++;
    while (strip_right && end > start && isWhitespace(text[end - 1] ?? '')) end--;
    return source.slice(start, end);
  };
};

const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/;

/** Tells whether sentencepiece drops a control character. */
const isNmtControl = (character: string): boolean => {
  const point = character.codePointAt(0) ?? 0;
  return (
    (point >= 0x01 && point <= 0x08) ||
    point === 0x0b ||
    (point >= 0x0e && point <= 0x1f) ||
    point === 0x7f ||
    point === 0x8f ||
    point === 0x9f
  );
};

const nmt: Normalizer = (source) =>
  source.map((character) => (isNmtControl(character) ? '' : NMT_SPACES.test(character) ? ' ' : character));

const replace = (config: unknown): Normalizer => {
  const { pattern, content } = v.parse(v.object({ pattern: patternSchema, content: v.string() }), config);
  const compiled = compilePattern(pattern);
  return (source) => source.replace(matchSpans(source.text, compiled), content);
};

const prepend = (config: unknown): Normalizer => {
  const { prepend: prefix } = v.parse(v.object({ prepend: v.string() }), config);
  return (source) => source.prepend(prefix);
};

const chain =
  (steps: readonly Normalizer[]): Normalizer =>
  (source) =>
    steps.reduce((text, step) => step(text), source);

const KINDS: Readonly<Record<string, (config: unknown) => Normalizer>> = {
  BertNormalizer: bert,
  ByteLevel: () => (source) => source.map(toByteCharacters),
  Lowercase: () => lowerCase,
  NFC: () => (source) => toUnicodeForm(source, 'NFC'),
  NFD: () => (source) => toUnicodeForm(source, 'NFD'),
  NFKC: () => (source) => toUnicodeForm(source, 'NFKC'),
  NFKD: () => (source) => toUnicodeForm(source, 'NFKD'),
  Nmt: () => nmt,
  Precompiled: (config) =>
    createCharsmap(v.parse(v.object({ precompiled_charsmap: v.string() }), config).precompiled_charsmap),
  Prepend: prepend,
  Replace: replace,
  SentencePiece: createNormalization,
  Sequence: (config) =>
    chain(v.parse(v.object({ normalizers: v.array(v.unknown()) }), config).normalizers.map(createNormalizer)),
  Strip: strip,
  StripAccents: () => (source) => source.map((character) => (isMark(character) ? '' : character)),
};

/** @throws for a `config` that is no known normaliser of `tokenizer.json` */
export const createNormalizer = (config: unknown): Normalizer => createKind('normalizer', KINDS, config);
