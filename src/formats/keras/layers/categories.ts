import { show } from '../../../core/show.ts';
import { tensor } from '../../../core/tensor.ts';
import { longs, singles, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers, text, texts } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import { type Converters, type Layer, unary } from '../layer.ts';
import { reduce } from './pooling.ts';

type Mode = 'int' | 'one_hot' | 'multi_hot' | 'count';

/** Indices int64[N,…] as they are, or as float32 vectors of `depth`. An index beyond them gives zeros. */
const encode = (layer: Layer, indices: KerasTensor, mode: Mode, depth: number): KerasTensor => {
  if (mode === 'int') return indices;
  const { graph } = layer;
  const { value, shape } = indices;
  const length = layer.bounded('the number of categories', depth);
  const codes = BigInt64Array.from({ length }, (_, code) => BigInt(code));
  const all = graph.constant(tensor('int64', [length], codes));
  const column = graph.op('Unsqueeze', [value, graph.constant(longs([-1]))]);
  const hot = graph.op('Cast', [graph.op('Equal', [column, all])], { to: integer(DATA_TYPES.float32) });
  const vectors: KerasTensor = { value: hot, shape: [...shape, depth], dtype: 'float32' };
  if (shape.length !== 2) return mode === 'one_hot' ? vectors : layer.refuse(`${mode} needs an input of two axes`);
  if (mode === 'multi_hot') return reduce(layer, 'ReduceMax', vectors, [1], false);
  return mode === 'count' || shape[1] === 1 ? reduce(layer, 'ReduceSum', vectors, [1], false) : vectors;
};

const toIndices = ({ graph }: Layer, { value, shape }: KerasTensor): KerasTensor => ({
  value: graph.op('Cast', [value], { to: integer(DATA_TYPES.int64) }),
  shape,
  dtype: 'int64',
});

const categoryEncoding = unary((layer, input) =>
  encode(
    layer,
    toIndices(layer, input),
    layer.choice('output_mode', ['multi_hot', 'one_hot', 'count', 'int']),
    layer.number('num_tokens', layer.number('max_tokens', 0)),
  ),
);

/** The number of boundaries that a value is not below. */
const discretization = unary((layer, input) => {
  const { graph } = layer;
  const boundaries = layer.find('bin_boundaries');
  if (!Array.isArray(boundaries))
    return layer.refuse(
      'the file has no bin_boundaries, which Keras 2 leaves out after adapt; put Discretization(bin_boundaries=[…]) in its place, with those that it has',
    );
  const numbers = boundaries.map(Number);
  const column = graph.op('Unsqueeze', [input.value, graph.constant(longs([-1]))]);
  const reached = graph.op('GreaterOrEqual', [column, graph.constant(singles([numbers.length], numbers))]);
  const counts = { value: graph.op('Cast', [reached], { to: integer(DATA_TYPES.int64) }), dtype: 'int64' as const };
  const indices = reduce(layer, 'ReduceSum', { ...counts, shape: [...input.shape, 1] }, [input.shape.length], false);
  const mode = layer.choice('output_mode', ['int', 'one_hot', 'multi_hot', 'count']);
  return encode(layer, indices, mode, numbers.length + 1);
});

interface Vocabulary {
  readonly words: readonly string[];
  /** The index of values that are not in the vocabulary. */
  readonly unknown: number;
  /** The index of the first word. */
  readonly first: number;
  /** The value of index 0, if that stands for missing values. */
  readonly missing: string | undefined;
}

const listOf = (layer: Layer): readonly string[] => {
  const given = layer.find('vocabulary');
  if (Array.isArray(given)) return given.map(String);
  const lines = layer.weights.asset('vocabulary.txt')?.split('\n');
  while (lines?.at(-1) === '') lines.pop();
  if (lines === undefined) return layer.refuse('the file has no vocabulary of it; save the model as .keras');
  return lines.map((line) => line.replace(/\r$/, ''));
};

/** The vocabulary without the words for missing and unknown values, which may stand in front of it. */
const vocabularyOf = (layer: Layer, mode: Mode): Vocabulary => {
  if (layer.number('num_oov_indices', 1) !== 1)
    layer.refuse(
      `num_oov_indices is ${layer.number('num_oov_indices', 1)}, and only 1 can be converted: others hash or fail`,
    );
  const asked = layer.find('mask_token');
  const missing = asked === undefined ? undefined : String(asked);
  if (missing !== undefined && mode !== 'int')
    layer.refuse(`output_mode ${mode} with a mask_token cannot be converted`);
  const oov = String(layer.find('oov_token') ?? '[UNK]');
  const special = [...(missing === undefined ? [] : [missing]), oov];
  const words = listOf(layer);
  const hasSpecial = special.every((word, index) => words[index] === word);
  const unknown = missing === undefined ? 0 : 1;
  return { words: hasSpecial ? words.slice(special.length) : words, unknown, first: unknown + 1, missing };
};

const modeOf = (layer: Layer): Mode => layer.choice('output_mode', ['int', 'one_hot', 'multi_hot', 'count']);

/** The index of a word or a number: `LabelEncoder` of ai.onnx.ml. */
const lookup = (isText: boolean) =>
  unary((layer, input) => {
    const { graph } = layer;
    const mode = modeOf(layer);
    const { words, unknown, first, missing } = vocabularyOf(layer, mode);
    const keys = [...(missing === undefined ? [] : [missing]), ...words];
    const indices = [...(missing === undefined ? [] : [0]), ...words.map((_, index) => index + first)];
    const domain = 'ai.onnx.ml';
    if (layer.flag('invert')) {
      if (!isText) return layer.refuse('invert of an IntegerLookup cannot be converted');
      const oov = String(layer.find('oov_token') ?? '[UNK]');
      const attributes = { keys_int64s: integers(indices), values_strings: texts(keys), default_string: text(oov) };
      const value = graph.op('LabelEncoder', [toIndices(layer, input).value], attributes, domain);
      return { value, shape: input.shape, dtype: 'string' };
    }
    if (isText !== (input.dtype === 'string'))
      layer.refuse(`its input is ${input.dtype}, expected ${isText ? 'texts' : 'integers'}`);
    const known = isText ? { keys_strings: texts(keys) } : { keys_int64s: integers(toIntegers(layer, keys)) };
    const attributes = { ...known, values_int64s: integers(indices), default_int64: integer(unknown) };
    const source: Value = isText ? input.value : toIndices(layer, input).value;
    const value = graph.op('LabelEncoder', [source], attributes, domain);
    const depth = layer.flag('pad_to_max_tokens') ? layer.number('max_tokens') : words.length + first;
    return encode(layer, { value, shape: input.shape, dtype: 'int64' }, mode, depth);
  });

const toIntegers = (layer: Layer, words: readonly string[]): bigint[] =>
  words.map((word) => (/^-?\d+$/.test(word) ? BigInt(word) : layer.refuse(`its vocabulary has ${show(word)}`)));

export const CATEGORIES: Converters = {
  CategoryEncoding: categoryEncoding,
  Discretization: discretization,
  StringLookup: lookup(true),
  IntegerLookup: lookup(false),
};
