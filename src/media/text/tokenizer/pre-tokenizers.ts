import * as v from 'valibot';
import type { AlignedText, Span, SplitBehaviour } from './aligned-text.ts';
import { isNumeric, isPunctuation, isWhitespace, toByteCharacters } from './characters.ts';
import { compilePattern, invert, matchSpans } from './patterns.ts';
import { createKind, patternSchema } from './schemas.ts';

/** Splits a normalised text into words. */
export type PreTokenizer = (source: AlignedText) => AlignedText[];

const behaviourSchema = v.picklist(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);

/** Spans of a text, in which each character of a class is a match of its own. */
const characterSpans = (text: string, isMember: (character: string) => boolean): Span[] => {
  const spans: Span[] = [];
  let previous = 0;
  let index = 0;
  for (const character of text) {
    const end = index + character.length;
    if (isMember(character)) {
      if (index > previous) spans.push({ start: previous, end: index, isMatch: false });
      spans.push({ start: index, end, isMatch: true });
      previous = end;
    }
    index = end;
  }
  if (previous < text.length) spans.push({ start: previous, end: text.length, isMatch: false });
  return spans;
};

const splitCharacters =
  (isMember: (character: string) => boolean, behaviour: SplitBehaviour): PreTokenizer =>
  (source) =>
    source.split(characterSpans(source.text, isMember), behaviour);

const sequence =
  (steps: readonly PreTokenizer[]): PreTokenizer =>
  (source) =>
    steps.reduce((pieces, step) => pieces.flatMap(step), [source]);

/** Words of GPT-2; see https://github.com/openai/gpt-2/blob/master/src/encoder.py */
const GPT2_WORDS = compilePattern({
  Regex: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
});

const byteLevel = (config: unknown): PreTokenizer => {
  const { add_prefix_space, use_regex } = v.parse(
    v.object({ add_prefix_space: v.boolean(), use_regex: v.optional(v.boolean(), true) }),
    config,
  );
  return (source) => {
    const prefixed = add_prefix_space && !source.text.startsWith(' ') ? source.prepend(' ') : source;
    const words = use_regex ? prefixed.split(matchSpans(prefixed.text, GPT2_WORDS), 'Isolated') : [prefixed];
    return words.map((word) => word.map(toByteCharacters));
  };
};

const metaspaceSchema = v.object({
  replacement: v.string(),
  prepend_scheme: v.optional(v.picklist(['always', 'first', 'never'])),
  add_prefix_space: v.optional(v.boolean(), true),
  split: v.optional(v.boolean(), true),
});

const metaspace = (config: unknown): PreTokenizer => {
  const { replacement, prepend_scheme, add_prefix_space, split } = v.parse(metaspaceSchema, config);
  const scheme = prepend_scheme ?? (add_prefix_space ? 'always' : 'never');
  const isReplacement = (character: string): boolean => character === replacement;
  return (source) => {
    const replaced = source.replace(
      characterSpans(source.text, (character) => character === ' '),
      replacement,
    );
    const isWanted = scheme === 'always' || (scheme === 'first' && replaced.original(0, 1)[0] === 0);
    const prefixed = isWanted && !replaced.text.startsWith(replacement) ? replaced.prepend(replacement) : replaced;
    return split ? prefixed.split(characterSpans(prefixed.text, isReplacement), 'MergedWithNext') : [prefixed];
  };
};

const split = (config: unknown): PreTokenizer => {
  const {
    pattern,
    behavior,
    invert: isInverted,
  } = v.parse(
    v.object({ pattern: patternSchema, behavior: behaviourSchema, invert: v.optional(v.boolean(), false) }),
    config,
  );
  const compiled = compilePattern(pattern);
  return (source) => {
    const spans = matchSpans(source.text, compiled);
    return source.split(isInverted ? invert(spans) : spans, behavior);
  };
};

/** Runs of `\w` in Rust's `regex`, and runs of characters that are neither `\w` nor white space. */
const WHITESPACE_WORDS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;

const fixedLength = (config: unknown): PreTokenizer => {
  const { length } = v.parse(v.object({ length: v.pipe(v.number(), v.integer(), v.minValue(1)) }), config);
  return (source) => {
    const spans: Span[] = [];
    let count = 0;
    let index = 0;
    for (const character of source.text) {
      const last = spans.at(-1);
      const end = index + character.length;
      if (count++ % length === 0 || last === undefined) spans.push({ start: index, end, isMatch: false });
      else spans[spans.length - 1] = { ...last, end };
      index = end;
    }
    return source.split(spans, 'Isolated');
  };
};

const KINDS: Readonly<Record<string, (config: unknown) => PreTokenizer>> = {
  BertPreTokenizer: () =>
    sequence([splitCharacters(isWhitespace, 'Removed'), splitCharacters(isPunctuation, 'Isolated')]),
  ByteLevel: byteLevel,
  CharDelimiterSplit: (config) => {
    const { delimiter } = v.parse(v.object({ delimiter: v.string() }), config);
    return splitCharacters((character) => character === delimiter, 'Removed');
  },
  Digits: (config) => {
    const { individual_digits } = v.parse(v.object({ individual_digits: v.boolean() }), config);
    return splitCharacters(isNumeric, individual_digits ? 'Isolated' : 'Contiguous');
  },
  FixedLength: fixedLength,
  Metaspace: metaspace,
  Punctuation: (config) => {
    const { behavior } = v.parse(v.object({ behavior: v.optional(behaviourSchema, 'Isolated') }), config);
    return splitCharacters(isPunctuation, behavior);
  },
  Sequence: (config) =>
    sequence(v.parse(v.object({ pretokenizers: v.array(v.unknown()) }), config).pretokenizers.map(createPreTokenizer)),
  Split: split,
  Whitespace: () => (source) => source.split(invert(matchSpans(source.text, WHITESPACE_WORDS)), 'Removed'),
  WhitespaceSplit: () => splitCharacters(isWhitespace, 'Removed'),
};

/** @throws for a `config` that is no known pre-tokenizer of `tokenizer.json` */
export const createPreTokenizer = (config: unknown): PreTokenizer => createKind('pre-tokenizer', KINDS, config);
