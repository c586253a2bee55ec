import { show } from '../../../core/show.ts';
import { longs, singles, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import { isTensor } from '../calls.ts';
import { formatShape, type KerasTensor } from '../keras-tensor.ts';
import { type Call, type Converter, type Converters, type Layer, toMask } from '../layer.ts';
import { reduce } from './pooling.ts';
import { reshape } from './window.ts';

/** A score that softmax turns to 0. */
const EXCLUDED = -1e9;

const unsqueeze = ({ graph }: Layer, value: Value, axis: number): Value =>
  graph.op('Unsqueeze', [value, graph.constant(longs([axis]))]);

/** bool[T,S]: a step sees itself and those before it. */
const causalMask = ({ graph }: Layer, scores: Value): Value => {
  const shape = graph.op('Shape', [scores]);
  const last = graph.op('Gather', [shape, graph.constant(longs([-2, -1]))]);
  const ones = graph.op('ConstantOfShape', [last]);
  const filled = graph.op('Add', [ones, graph.constant(singles([], [1]))]);
  return graph.op('Cast', [graph.op('Trilu', [filled], { upper: integer(0) })], { to: integer(DATA_TYPES.bool) });
};

/** Softmax over the scores that all masks allow. */
const attend = ({ graph }: Layer, scores: Value, masks: readonly Value[]): Value => {
  const allowed = masks.length === 0 ? undefined : masks.reduce((all, mask) => graph.op('And', [all, mask]));
  const excluded = graph.constant(singles([], [EXCLUDED]));
  const kept = allowed === undefined ? scores : graph.op('Where', [allowed, scores, excluded]);
  return graph.op('Softmax', [kept], { axis: integer(-1) });
};

const isTrue = (value: unknown): boolean => value === true;

/** An argument of the call, with the mask that the call names for it. */
const argumentOf = (
  layer: Layer,
  { positional, named }: Call,
  index: number,
  name: string,
): KerasTensor | undefined => {
  const given = positional[index] ?? named[name];
  const mask = named[`${name}_mask`];
  if (!isTensor(given)) return undefined;
  return isTensor(mask) ? { ...given, mask: toMask(layer, mask) } : given;
};

interface Heads {
  readonly heads: number;
  readonly width: number;
}

/** [N,T,features] → [N,heads,T,width]. */
const project = (layer: Layer, input: KerasTensor, { heads, width }: Heads, key: string): Value => {
  const { graph } = layer;
  if (input.shape.length !== 3)
    layer.refuse(`its ${key} is ${formatShape(input.shape)}, and only [N,T,features] can be converted`);
  const features = layer.fixed(input.shape, 2);
  const { data } = layer.take([features, heads, width]);
  const kernel = layer.constant(`${key} kernel`, () => singles([features, heads * width], data));
  let value = graph.op('MatMul', [input.value, kernel]);
  if (layer.flag('use_bias', true)) {
    const bias = layer.take([heads, width]);
    value = graph.op('Add', [value, layer.constant(`${key} bias`, () => singles([heads * width], bias.data))]);
  }
  return graph.op('Transpose', [reshape(layer, value, [0, 0, heads, width])], { perm: integers([0, 2, 1, 3]) });
};

const masksOf = (
  layer: Layer,
  { named }: Call,
  [query, value, key]: readonly KerasTensor[],
  scores: Value,
): Value[] => {
  const masks: Value[] = [];
  if (query?.mask !== undefined) masks.push(unsqueeze(layer, unsqueeze(layer, query.mask, 1), 3));
  for (const mask of new Set([value?.mask, key?.mask]))
    if (mask !== undefined) masks.push(unsqueeze(layer, unsqueeze(layer, mask, 1), 1));
  const { attention_mask: given } = named;
  if (isTensor(given)) {
    const isMask = toMask(layer, given);
    masks.push(given.shape.length === 3 ? unsqueeze(layer, isMask, 1) : isMask);
  }
  if (isTrue(named.use_causal_mask)) masks.push(causalMask(layer, scores));
  return masks;
};

/** The heads of keys and values, each as often as queries share it. */
const repeatHeads = (layer: Layer, value: Value, from: number, { heads, width }: Heads): Value => {
  if (from === heads) return value;
  const { graph } = layer;
  const column = unsqueeze(layer, value, 2);
  const repeated = graph.op('Expand', [column, graph.constant(longs([1, 1, heads / from, 1, 1]))]);
  return reshape(layer, repeated, [0, heads, -1, width]);
};

interface Sizes {
  readonly heads: number;
  /** The heads of keys and values, which several heads of queries share. */
  readonly sharedHeads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

const attendByHeads = (layer: Layer, call: Call, { heads, sharedHeads, keyWidth, valueWidth }: Sizes) => {
  const { graph } = layer;
  const { named } = call;
  const query = argumentOf(layer, call, 0, 'query');
  const value = argumentOf(layer, call, 1, 'value');
  const key = argumentOf(layer, call, 2, 'key') ?? value;
  if (query === undefined || value === undefined || key === undefined) return layer.refuse('it needs query and value');
  if (layer.flag('use_gate') || layer.find('sliding_window') !== undefined)
    layer.refuse('use_gate and sliding_window cannot be converted');
  const q = project(layer, query, { heads, width: keyWidth }, 'query');
  const shared = (input: KerasTensor, width: number, name: string): Value =>
    repeatHeads(layer, project(layer, input, { heads: sharedHeads, width }, name), sharedHeads, { heads, width });
  const k = shared(key, keyWidth, 'key');
  const v = shared(value, valueWidth, 'value');
  const scaled = graph.op('Mul', [q, layer.scalar(1 / Math.sqrt(keyWidth))]);
  const products = graph.op('MatMul', [scaled, graph.op('Transpose', [k], { perm: integers([0, 1, 3, 2]) })]);
  const scores = attend(layer, products, masksOf(layer, call, [query, value, key], products));
  const mixed = graph.op('Transpose', [graph.op('MatMul', [scores, v])], { perm: integers([0, 2, 1, 3]) });
  const asked = layer.find('output_shape');
  const width = Number(Array.isArray(asked) ? asked[0] : (asked ?? layer.fixed(query.shape, 2)));
  const { data } = layer.take([heads, valueWidth, width]);
  const kernel = layer.constant('output kernel', () => singles([heads * valueWidth, width], data));
  const product = graph.op('MatMul', [reshape(layer, mixed, [0, 0, heads * valueWidth]), kernel]);
  const output: KerasTensor = {
    value: layer.flag('use_bias', true) ? graph.op('Add', [product, layer.weight([width], 'output bias')]) : product,
    shape: [...query.shape.slice(0, 2), width],
    dtype: 'float32',
    ...(query.mask !== undefined && { mask: query.mask }),
  };
  if (!isTrue(named.return_attention_scores)) return output;
  const [batch = null, from = null] = query.shape;
  const shape = [batch, heads, from, key.shape[1] ?? null];
  return [output, { value: scores, shape, dtype: 'float32' as const }];
};

const multiHeadAttention: Converter = (layer, call) => {
  const heads = layer.number('num_heads');
  const keyWidth = layer.number('key_dim');
  const axes = layer.find('attention_axes');
  if (axes !== undefined && String(axes) !== '1') layer.refuse(`attention_axes ${show(axes)} cannot be converted`);
  const valueWidth = layer.number('value_dim', keyWidth);
  return attendByHeads(layer, call, { heads, sharedHeads: heads, keyWidth, valueWidth });
};

const groupedQueryAttention: Converter = (layer, call) => {
  const width = layer.number('head_dim');
  const heads = layer.number('num_query_heads');
  const sharedHeads = layer.number('num_key_value_heads');
  return attendByHeads(layer, call, { heads, sharedHeads, keyWidth: width, valueWidth: width });
};

type Scores = (layer: Layer, query: KerasTensor, key: KerasTensor) => Value;

const products: Scores = ({ graph }, query, key) =>
  graph.op('MatMul', [query.value, graph.op('Transpose', [key.value], { perm: integers([0, 2, 1]) })]);

/** tanh(query + key) [N,T,S,features] */
const sums = (layer: Layer, query: KerasTensor, key: KerasTensor, scale?: Value): Value => {
  const sum = layer.graph.op('Add', [unsqueeze(layer, query.value, 2), unsqueeze(layer, key.value, 1)]);
  return layer.graph.op('Tanh', [scale === undefined ? sum : layer.graph.op('Mul', [sum, scale])]);
};

const dotScores: Scores = (layer, query, key) => {
  const { graph } = layer;
  const mode = layer.choice('score_mode', ['dot', 'concat']);
  const scale = layer.flag('use_scale') ? layer.weight([], 'scale') : undefined;
  if (mode === 'dot') {
    const all = products(layer, query, key);
    return scale === undefined ? all : graph.op('Mul', [all, scale]);
  }
  const value = sums(layer, query, key, scale);
  const total = reduce(layer, 'ReduceSum', { value, shape: [null, null, null, null], dtype: 'float32' }, [3], false);
  return graph.op('Mul', [total.value, layer.weight([], 'score weight')]);
};

const additiveScores: Scores = (layer, query, key) => {
  const all = sums(layer, query, key);
  const value = layer.flag('use_scale', true)
    ? layer.graph.op('Mul', [all, layer.weight([layer.fixed(query.shape, 2)], 'scale')])
    : all;
  return reduce(layer, 'ReduceSum', { value, shape: [null, null, null, null], dtype: 'float32' }, [3], false).value;
};

const attention =
  (scoresOf: Scores): Converter =>
  (layer, call) => {
    const { graph } = layer;
    const [query, value, key = value] = call.inputs;
    if (query === undefined || value === undefined || key === undefined)
      return layer.refuse('it needs query and value');
    if (query.shape.length !== 3) layer.refuse(`its query is ${formatShape(query.shape)}, expected [N,T,features]`);
    const raw = scoresOf(layer, query, key);
    const masks = value.mask === undefined ? [] : [unsqueeze(layer, value.mask, 1)];
    if (isTrue(call.named.use_causal_mask) || layer.flag('causal')) masks.push(causalMask(layer, raw));
    const scores = attend(layer, raw, masks);
    let mixed = graph.op('MatMul', [scores, value.value]);
    if (query.mask !== undefined) {
      const counts = graph.op('Cast', [unsqueeze(layer, query.mask, 2)], { to: integer(DATA_TYPES.float32) });
      mixed = graph.op('Mul', [mixed, counts]);
    }
    const [batch = null, from = null] = query.shape;
    const output: KerasTensor = {
      value: mixed,
      shape: [batch, from, value.shape[2] ?? null],
      dtype: 'float32',
      ...(query.mask !== undefined && { mask: query.mask }),
    };
    if (!isTrue(call.named.return_attention_scores)) return output;
    return [output, { value: scores, shape: [batch, from, key.shape[1] ?? null], dtype: 'float32' }];
  };

export const ATTENTION: Converters = {
  MultiHeadAttention: multiHeadAttention,
  GroupedQueryAttention: groupedQueryAttention,
  Attention: attention(dotScores),
  AdditiveAttention: attention(additiveScores),
};
