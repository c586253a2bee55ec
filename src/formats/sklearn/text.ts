import { show } from '../../core/show.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { integer, integers, text, texts } from '../../onnx/node.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, PyObject } from '../pickle/values.ts';
import type { Converter, Converters } from './conversion.ts';
import { type Estimator, toItems } from './estimator.ts';
import { type Frame, rowOf, toDouble, toFrame, widthOf } from './frame.ts';
import { scalar, sumRows, toNumbers } from './preprocessing/numbers.ts';
import { ENGLISH_STOP_WORDS } from './text/english-stop-words.ts';
import { translatePattern } from './text/python-pattern.ts';

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
  };
};

/** The input of the graph that has the terms of a vectorizer. */
export const keyOfWords = (settings: WordSettings): string => JSON.stringify(settings);

/** Terms string[N,T] of a column of texts, padded with "". @throws `MODEL_INVALID` for a frame that is no column of texts */
const termsOf = (estimator: Estimator, frame: Frame): Value => {
  const [column, ...others] = frame;
  const terms = others.length === 0 ? column?.terms?.get(keyOfWords(readWordSettings(estimator))) : undefined;
  return terms ?? estimator.refuse(`it gets ${widthOf(frame)} columns, expected a column of texts`);
};

/** The character that stands for NUL, which would end a string in the graph; `src/media/text/words.ts` has it, too. */
const NUL = '\ufdd0';

/** Counts of the terms of the vocabulary, float64[N,terms]. Operator: `TfIdfVectorizer`, over single terms. */
const countTerms = (estimator: Estimator, frame: Frame, graph: GraphBuilder): Value => {
  const vocabulary = estimator.get('vocabulary_');
  if (!(vocabulary instanceof Map) || vocabulary.size === 0) return estimator.refuse('vocabulary_ is empty');
  const entries = [...vocabulary].map(([term, index]) => [String(term).replaceAll('\0', NUL), Number(index)] as const);
  if (entries.some(([term]) => term === ''))
    estimator.refuse('its vocabulary has an empty term, which a graph cannot tell from none');
  const attributes = {
    max_gram_length: integer(1),
    max_skip_count: integer(0),
    min_gram_length: integer(1),
    mode: text('TF'),
    ngram_counts: integers([0]),
    ngram_indexes: integers(entries.map(([, index]) => index)),
    pool_strings: texts(entries.map(([term]) => term)),
  };
  const counts = toDouble(graph, graph.op('TfIdfVectorizer', [termsOf(estimator, frame)], attributes));
  return estimator.flag('binary') ? graph.op('Min', [counts, scalar(graph, 1)]) : counts;
};

/** `idf_`; before 1.5 it was the diagonal of a sparse matrix. */
const readIdf = (estimator: Estimator): Float64Array => {
  const diagonal = estimator.find('_idf_diag');
  if (!(diagonal instanceof PyObject)) return estimator.vector('idf_');
  const data = diagonal.state instanceof Map ? diagonal.state.get('data') : undefined;
  return (isNumpyArray(data) ? numbersOf(data) : undefined) ?? estimator.refuse('_idf_diag is no sparse matrix');
};

/** Counts weighted by how rare each term is, and divided by the norm of their row. Rows of zeros stay. */
const weighTerms = (estimator: Estimator, counts: Value, graph: GraphBuilder): Value => {
  const zero = scalar(graph, 0);
  const one = scalar(graph, 1);
  const isFound = graph.op('Greater', [counts, zero]);
  const logs = graph.op('Add', [graph.op('Log', [graph.op('Where', [isFound, counts, one])]), one]);
  const scaled = estimator.flag('sublinear_tf') ? graph.op('Where', [isFound, logs, zero]) : counts;
  const weighted = estimator.flag('use_idf') ? graph.op('Mul', [scaled, rowOf(graph, readIdf(estimator))]) : scaled;
  const norm = estimator.get('norm');
  if (norm === null) return weighted;
  if (norm !== 'l1' && norm !== 'l2') return estimator.refuse(`norm is ${show(norm)}, expected l1, l2 or None`);
  const sum = sumRows(graph, norm === 'l1' ? graph.op('Abs', [weighted]) : graph.op('Mul', [weighted, weighted]));
  const length = norm === 'l1' ? sum : graph.op('Sqrt', [sum]);
  return graph.op('Div', [weighted, graph.op('Where', [graph.op('Equal', [length, zero]), one, length])]);
};

const widthOfVocabulary = (estimator: Estimator): number => {
  const vocabulary = estimator.get('vocabulary_');
  return vocabulary instanceof Map ? vocabulary.size : 0;
};

const hashing: Converter = (estimator) =>
  estimator.refuse('hashed terms cannot be converted: fit a TfidfVectorizer or a CountVectorizer in its place');

/** Transformers of `sklearn.feature_extraction.text`. */
export const TEXT: Converters = {
  CountVectorizer: (estimator, frame, { graph }) => ({
    frame: toFrame(countTerms(estimator, frame, graph), widthOfVocabulary(estimator)),
  }),

  TfidfVectorizer: (estimator, frame, { graph }) => {
    const counts = countTerms(estimator, frame, graph);
    return {
      frame: toFrame(weighTerms(estimator.estimator('_tfidf'), counts, graph), widthOfVocabulary(estimator)),
    };
  },

  TfidfTransformer: (estimator, frame, { graph }) => {
    const counts = toNumbers(estimator, frame, graph);
    return { frame: toFrame(weighTerms(estimator, counts, graph), widthOf(frame)) };
  },

  HashingVectorizer: hashing,
};

/** Names of the classes that take texts. */
export const TEXT_CLASSES: ReadonlySet<string> = new Set(['CountVectorizer', 'TfidfVectorizer', 'HashingVectorizer']);
