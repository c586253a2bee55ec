import { type Tensor, tensor } from '../../src/core/tensor.ts';
import { type GraphBuilder, longs, singles, type Value } from '../../src/onnx/graph-builder.ts';
import { float, integer, integers } from '../../src/onnx/node.ts';

/** The sizes in the config.json of a T5 model. */
export interface T5Sizes {
  readonly d_model: number;
  readonly d_kv: number;
  readonly d_ff: number;
  readonly num_heads: number;
  /** Of the encoder, and as many of the decoder. */
  readonly num_layers: number;
  readonly vocab_size: number;
}

/** Random weights float32[inputs,outputs] that keep the size of the numbers, times `scale`. */
export type RandomWeights = (inputs: number, outputs: number, scale?: number) => Tensor;

const BUCKETS = 32;
const FARTHEST = 128;
const INT64 = integer(7);
const FLOAT = integer(1);
/** Hides a position. */
const HIDDEN = -3.4e38;

/** Gives each weight to a graph once. The branches of a decoder use those of the graph around them. */
export type Weights = (name: string, inputs: number, outputs: number, scale?: number) => Value;

export const createWeights = ({ constant }: GraphBuilder, random: RandomWeights): Weights => {
  const values = new Map<string, Value>();
  return (name, ...shape) => {
    const value = values.get(name) ?? constant(random(...shape));
    values.set(name, value);
    return value;
  };
};

export const one = (value: number): Tensor => tensor('int64', [], BigInt64Array.of(BigInt(value)));

/** The layers of a stack, in a graph or in a branch. */
export const createLayers = (graph: GraphBuilder, weights: Weights, sizes: T5Sizes, stack: string) => {
  const { op, constant } = graph;
  const { d_model: width, d_kv: head, num_heads: heads, d_ff: inner } = sizes;
  const scalar = (value: number): Value => constant(singles([], [value]));
  const dense = (x: Value, name: string, from: number, to: number, scale?: number): Value =>
    op('MatMul', [x, weights(`${stack}.${name}`, from, to, scale)]);
  const normalize = (x: Value): Value =>
    op('SimplifiedLayerNormalization', [x, constant(singles([width], new Float32Array(width).fill(1)))], {
      ...{ axis: integer(-1), epsilon: float(1e-6), stash_type: integer(1) },
    });
  const turn = (x: Value): Value => op('Transpose', [x], { perm: integers([0, 2, 1, 3]) });
  /** float32[B,heads,T,head] of float32[B,T,width] */
  const project = (x: Value, name: string, scale?: number): Value =>
    turn(op('Reshape', [dense(x, name, width, heads * head, scale), constant(longs([0, 0, heads, head]))]));

  return {
    normalize,
    project,
    embed: (ids: Value): Value =>
      op('Gather', [weights('shared', sizes.vocab_size, width, Math.sqrt(sizes.vocab_size)), ids]),

    positions: (): Value => weights(`${stack}.positions`, BUCKETS, heads),

    /** `x` with what it attends to. Its queries are small, since T5 does not divide their products. */
    attend(x: Value, name: string, keys: Value, values: Value, bias: Value): Value {
      const queries = project(normalize(x), `${name}.q`, 1 / Math.sqrt(head));
      const products = op('MatMul', [queries, op('Transpose', [keys], { perm: integers([0, 1, 3, 2]) })]);
      const shares = op('Softmax', [op('Add', [products, bias])], { axis: integer(-1) });
      const mixed = op('Reshape', [turn(op('MatMul', [shares, values])), constant(longs([0, 0, heads * head]))]);
      return op('Add', [x, dense(mixed, `${name}.o`, heads * head, width)]);
    },

    feedForward(x: Value, name: string): Value {
      const active = op('Relu', [dense(normalize(x), `${name}.wi`, width, inner)]);
      return op('Add', [x, dense(active, `${name}.wo`, inner, width)]);
    },

    /** float32[B,1,1,S] from the mask int64[B,S]. */
    maskBias: (mask: Value): Value => {
      const wide = op('Cast', [op('Unsqueeze', [mask, constant(longs([1, 2]))])], { to: FLOAT });
      return op('Mul', [op('Sub', [scalar(1), wide]), scalar(HIDDEN)]);
    },
  };
};

/**
 * float32[1,heads,Q,K] of positions `from` to `to` among `to` positions, by the buckets of their distances. A decoder looks back only.
 */
export const positionBias = (
  { op, constant }: GraphBuilder,
  table: Value,
  from: Value,
  to: Value,
  looksBack: boolean,
): Value => {
  const scalar = (value: number): Value => constant(singles([], [value]));
  const range = (first: Value, axis: number): Value =>
    op('Unsqueeze', [op('Range', [first, to, constant(one(1))]), constant(longs([axis]))]);
  const ahead = op('Sub', [range(constant(one(0)), 0), range(from, 1)]);
  const zero = constant(one(0));
  const buckets = looksBack ? BUCKETS : BUCKETS / 2;
  const exact = buckets / 2;
  const far = looksBack ? op('Max', [op('Neg', [ahead]), zero]) : op('Abs', [ahead]);
  const ratio = op('Div', [op('Cast', [op('Max', [far, constant(one(1))])], { to: FLOAT }), scalar(exact)]);
  const steps = op('Mul', [op('Log', [ratio]), scalar(exact / Math.log(FARTHEST / exact))]);
  const coarse = op('Add', [op('Cast', [steps], { to: INT64 }), constant(one(exact))]);
  const bounded = op('Min', [coarse, constant(one(buckets - 1))]);
  const near = op('Where', [op('Less', [far, constant(one(exact))]), far, bounded]);
  const isAhead = op('Greater', [ahead, zero]);
  const side = op('Mul', [op('Cast', [isAhead], { to: INT64 }), constant(one(buckets))]);
  const bucket = looksBack ? near : op('Add', [near, side]);
  const biases = op('Gather', [table, bucket]);
  const perHead = op('Unsqueeze', [op('Transpose', [biases], { perm: integers([2, 0, 1]) }), constant(longs([0]))]);
  return looksBack ? op('Where', [isAhead, scalar(HIDDEN), perHead]) : perHead;
};
