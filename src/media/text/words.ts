import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import { hashingSchema } from './hashed-terms.ts';
import { assertCharacters, assertMarks } from './input.ts';
import { createTimeLimit, findBacktracking } from './tokenizer/time-limit.ts';

const isPattern = (pattern: string): boolean => {
  try {
    return new RegExp(pattern, 'gv').global;
  } catch {
    return false;
  }
};

/** Longest run of tokens or characters. */
const LONGEST_RUN = 100;
const sizeSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LONGEST_RUN));
const common = {
  ngram_range: v.pipe(
    v.tuple([sizeSchema, sizeSchema]),
    v.check(([least, most]) => least <= most, 'is not from the least to the most'),
  ),
  lowercase: v.boolean(),
  strip_accents: v.optional(v.picklist(['ascii', 'unicode'])),
  /** Terms become numbers of columns. */
  hashing: v.optional(hashingSchema),
};

/** Settings of terms by the names and with the meaning of scikit-learn's vectorizers. `token_pattern` is JavaScript's, with the flag `v`. */
const wordsSchema = v.variant('analyzer', [
  v.object({
    ...common,
    analyzer: v.literal('word'),
    token_pattern: v.pipe(v.string(), v.check(isPattern, 'is no regular expression of JavaScript with the flag v')),
    stop_words: v.optional(v.array(v.string())),
  }),
  v.object({
    ...common,
    analyzer: v.picklist(['char', 'char_wb']),
  }),
]);

/** Settings of the inputs of a graph that take terms, by their names. */
export const tokensSchema = v.record(v.string(), wordsSchema);

export type WordSettings = v.InferOutput<typeof wordsSchema>;

/** The terms of a text, in its order, each as often as it is there. @throws `INVALID_INPUT`, `PAYLOAD_TOO_LARGE` */
export type TermsOf = (text: string) => readonly string[];

/** Most terms of a text. */
const MOST_TERMS = 2 ** 19;

/** White space of Python, which counts \x1c to \x1f and \x85, and not \ufeff. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACES = new RegExp(`[${SPACE}]{2,}`, 'g');
const WORDS = new RegExp(`[^${SPACE}]+`, 'g');

/** The character with the highest class of combining; any other combining character is sorted before it. */
const LAST_COMBINING = '\u0345';

const isCombining = (character: string): boolean =>
  character === LAST_COMBINING || !(LAST_COMBINING + character).normalize('NFD').startsWith(LAST_COMBINING);

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

const ACCENTS: Readonly<Record<'ascii' | 'unicode', (text: string) => string>> = {
  ascii: (text) => text.normalize('NFKD').replace(/[^\0-\x7f]/g, ''),
  unicode: (text) =>
    isAscii(text)
      ? text
      : text.normalize('NFKD').replace(/\p{M}/gu, (character) => (isCombining(character) ? '' : character)),
};

/** All runs of `least` to `most` neighbours among `parts`, short runs first. */
const runsOf = (parts: readonly string[], [least, most]: readonly [number, number], joint: string): string[] => {
  const longest = Math.min(most, parts.length);
  if (longest <= 1) return least === 1 ? [...parts] : [];
  const runs: string[] = [];
  for (let size = least; size <= longest; size += 1)
    for (let start = 0; start + size <= parts.length; start += 1)
      runs.push(parts.slice(start, start + size).join(joint));
  return runs;
};

/** Runs of characters between the ends of a word, with a space on either side. A word that is shorter than a run counts as it is. */
const runsOfWord = (word: string, range: readonly [number, number]): string[] => {
  const characters = [' ', ...word, ' '];
  return characters.length < range[0] ? [characters.join('')] : runsOf(characters, range, '');
};

/** @throws `PAYLOAD_TOO_LARGE` */
const assertTermCount = (parts: number, [least, most]: readonly [number, number]): void => {
  const count = parts * (most - least + 1);
  if (count > MOST_TERMS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `a text has up to ${count} terms, at most ${MOST_TERMS} are taken: send a shorter one`,
    );
};

/** Splits prepared text into parts, of which runs become terms. */
type Analyze = (text: string) => readonly string[];

const createWordAnalyzer = ({
  ngram_range: range,
  token_pattern: pattern,
  stop_words: stopWords = [],
}: Extract<WordSettings, { analyzer: 'word' }>): Analyze => {
  const excluded = new Set(stopWords);
  const inTime = createTimeLimit(findBacktracking({ Regex: pattern }));
  const words = new RegExp(pattern, 'gv');
  return (text) => {
    // As Python's `findall`: a group, if there is one, is the word.
    const found = inTime(text.length, () =>
      Array.from(text.matchAll(words), ([all, ...group]) => (group.length > 0 ? (group[0] ?? '') : all)),
    );
    const kept = found.filter((word) => !excluded.has(word));
    assertTermCount(kept.length, range);
    return runsOf(kept, range, ' ');
  };
};

const createCharacterAnalyzer = ({ analyzer, ngram_range: range }: WordSettings): Analyze => {
  if (analyzer === 'char_wb')
    return (text) => {
      assertTermCount(text.length, range);
      return (text.match(WORDS) ?? []).flatMap((word) => runsOfWord(word, range));
    };
  return (text) => {
    assertTermCount(text.length, range);
    return runsOf([...text.replace(SPACES, ' ')], range, '');
  };
};

/** Makes the terms of texts as a vectorizer of scikit-learn does. */
export const createTerms = (settings: WordSettings): TermsOf => {
  const { lowercase, strip_accents: accents } = settings;
  const analyze = settings.analyzer === 'word' ? createWordAnalyzer(settings) : createCharacterAnalyzer(settings);
  return (text) => {
    assertCharacters(text.length);
    assertMarks(text, 'a text');
    const lower = lowercase ? text.toLowerCase() : text;
    return analyze(accents === undefined ? lower : ACCENTS[accents](lower));
  };
};

/** The character that stands for NUL, which would end a string in the graph: a noncharacter, which no text has. */
const NUL = '\ufdd0';

/** The terms of texts as a tensor string[N,T]. Shorter lists are padded with "". */
export const toTermTensor = (texts: readonly string[], termsOf: TermsOf): Tensor => {
  const terms = texts.map(termsOf);
  const width = terms.reduce((most, { length }) => Math.max(most, length), 1);
  const data = new Array<string>(texts.length * width).fill('');
  for (const [row, own] of terms.entries())
    for (const [place, term] of own.entries()) data[row * width + place] = term.replaceAll('\0', NUL);
  return tensor('string', [texts.length, width], data);
};

/** Texts up to this length run together; a longer one runs alone, since it makes the others' rows as long. */
const LONG = 16_384;

/** The group of a text: texts of one group may run together. */
export const groupOfText = (text: string): string => (text.length <= LONG ? '' : text);
