import { show } from '../../core/show.ts';
import { doubles, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { integer, integers, text, texts } from '../../onnx/node.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, PyObject } from '../pickle/values.ts';
import type { Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { type Frame, rowOf, toDouble, toFrame, widthOf } from './frame.ts';
import { scalar, sumRows, toNumbers } from './preprocessing/numbers.ts';
import { toSparseBlock } from './sparse-rows.ts';
import { hashedBlock } from './text/hashing.ts';
import { keyOfWords, readWordSettings } from './text/word-settings.ts';

/**
 * The input that has the terms of a column of texts, string[N,T] padded with "", or hashed. @throws `MODEL_INVALID` for a frame that is no
 * column of texts
 */
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

/** Counts weighted by how rare each term is, and divided by the norm of their row. Rows of zeros stay. `toWeights` lays out `idf_` as the counts. */
const weighTerms = (
  estimator: Estimator,
  counts: Value,
  graph: GraphBuilder,
  toWeights = (idf: Float64Array): Value => rowOf(graph, idf),
): Value => {
  const zero = scalar(graph, 0);
  const one = scalar(graph, 1);
  const isFound = graph.op('Greater', [counts, zero]);
  const logs = graph.op('Add', [graph.op('Log', [graph.op('Where', [isFound, counts, one])]), one]);
  const scaled = estimator.flag('sublinear_tf') ? graph.op('Where', [isFound, logs, zero]) : counts;
  const idf = estimator.flag('use_idf') ? readIdf(estimator) : undefined;
  const product = idf === undefined ? scaled : graph.op('Mul', [scaled, toWeights(idf)]);
  // A term of a given vocabulary that no text had is infinitely rare without smooth_idf: other rows have 0 for it, and not NaN.
  const isPlain = idf?.every(Number.isFinite) ?? true;
  const weighted = isPlain ? product : graph.op('Where', [graph.op('Equal', [counts, zero]), zero, product]);
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

/** TfidfTransformer; hashed terms stay sparse. */
const weighFrame: Converter = (estimator, frame, { graph }) => {
  const [{ sparse } = {}] = frame.length === 1 ? frame : [];
  if (sparse === undefined)
    return { frame: toFrame(weighTerms(estimator, toNumbers(estimator, frame, graph), graph), widthOf(frame)) };
  if (sparse.isSigned && estimator.flag('sublinear_tf'))
    estimator.refuse(
      'sublinear_tf takes logarithms, and hashed terms with alternate_sign may be negative: fit it without one of them',
    );
  const values = weighTerms(estimator, sparse.values, graph, (idf) =>
    graph.op('Gather', [graph.constant(doubles([idf.length], idf)), sparse.columns]),
  );
  return { frame: [toSparseBlock(estimator, graph, { ...sparse, values }, widthOf(frame))] };
};

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

  TfidfTransformer: weighFrame,

  HashingVectorizer: (estimator, frame, { graph }) => ({
    frame: [hashedBlock(estimator, termsOf(estimator, frame), graph)],
  }),
};

/** Names of the classes that take texts. */
export const TEXT_CLASSES: ReadonlySet<string> = new Set(['CountVectorizer', 'TfidfVectorizer', 'HashingVectorizer']);
