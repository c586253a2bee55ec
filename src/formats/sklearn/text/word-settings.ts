import { show } from '../../../core/show.ts';
import { PyObject } from '../../pickle/values.ts';
import { type Estimator, toItems } from '../estimator.ts';
import { ENGLISH_STOP_WORDS } from './english-stop-words.ts';
import { type HashingSettings, readHashing } from './hashing.ts';
import { translatePattern } from './python-pattern.ts';

/** The way from texts to terms, as config.json has it and `src/media/text/words.ts` goes it. The names are scikit-learn's. */
export interface WordSettings {
  readonly analyzer: 'word' | 'char' | 'char_wb';
  /** Least and most tokens, or characters, of a term. */
  readonly ngram_range: readonly [number, number];
  readonly lowercase: boolean;
  readonly strip_accents?: 'ascii' | 'unicode';
  /** A regular expression of JavaScript, with the flag `v`, for words. */
  readonly token_pattern?: string;
  /** Words that are left out. */
  readonly stop_words?: readonly string[];
  /** Terms become numbers of columns. */
  readonly hashing?: HashingSettings;
}

/** Longest terms, in tokens or characters. */
const LONGEST_TERM = 100;

const readStopWords = (estimator: Estimator): readonly string[] => {
  const value = estimator.find('stop_words') ?? null;
  if (value === null) return [];
  if (value === 'english') return ENGLISH_STOP_WORDS;
  const words = value instanceof Set ? [...value] : value instanceof PyObject ? undefined : toItems(value);
  return (
    words?.map((word) => (typeof word === 'string' ? word : estimator.refuse(`stop_words has ${show(word)}`))) ??
    estimator.refuse(`stop_words is ${show(value)}, expected "english" or a list`)
  );
};

/** Settings of a vectorizer. @throws `MODEL_INVALID` for those that are code, and for a pattern that JavaScript has no equal of */
export const readWordSettings = (estimator: Estimator): WordSettings => {
  const analyzer = estimator.get('analyzer');
  if (analyzer !== 'word' && analyzer !== 'char' && analyzer !== 'char_wb')
    return estimator.refuse('analyzer is code, expected "word", "char" or "char_wb"');
  for (const name of ['preprocessor', 'tokenizer'])
    if ((estimator.find(name) ?? null) !== null) estimator.refuse(`${name} is code, which cannot be converted`);
  if (estimator.get('input') !== 'content')
    estimator.refuse(`input is ${show(estimator.get('input'))}, expected "content": texts are sent, not files`);
  const [least = 0, most = 0] = toItems(estimator.get('ngram_range'))?.map(Number) ?? [];
  if (!(least >= 1 && most >= least && most <= LONGEST_TERM))
    estimator.refuse(`ngram_range is ${least} to ${most}, expected 1 to ${LONGEST_TERM}`);
  const accents = estimator.find('strip_accents') ?? null;
  if (accents !== null && accents !== 'ascii' && accents !== 'unicode')
    return estimator.refuse('strip_accents is code, expected "ascii" or "unicode"');
  const stopWords = analyzer === 'word' ? readStopWords(estimator) : [];
  return {
    analyzer,
    ngram_range: [least, most],
    lowercase: estimator.flag('lowercase'),
    ...(accents !== null && { strip_accents: accents }),
    ...(analyzer === 'word' && { token_pattern: translatePattern(estimator, estimator.text('token_pattern')) }),
    ...(stopWords.length > 0 && { stop_words: stopWords }),
    ...(estimator.name === 'HashingVectorizer' && { hashing: readHashing(estimator) }),
  };
};

/** The input of the graph that has the terms of a vectorizer. */
export const keyOfWords = (settings: WordSettings): string => JSON.stringify(settings);
