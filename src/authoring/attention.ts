import { oldOf } from '../generation/causal/layout.ts';
import { integerOf, type OnnxGraph, type OnnxNode } from '../onnx/node.ts';
import type { DeclaredValue } from '../onnx/value-info.ts';

/** The operator of a whole attention with its cache. */
export const ATTENTION = 'GroupQueryAttention';

/** Values of attributes that change nothing. A node with another value, or with an attribute of another name, is not read. */
const IDLE: Readonly<Record<string, string | number>> = {
  ...{ qk_output: 0, k_quant_type: 'NONE', v_quant_type: 'NONE', kv_cache_bit_width: 0 },
  ...{ causal: 1, sliding_window_cache: 0 },
};
const READ = [
  ...['num_heads', 'kv_num_heads', 'scale', 'softcap', 'local_window_size', 'smooth_softmax'],
  ...['do_rotary', 'rotary_interleaved'],
  'qk_norm_epsilon', // of weights that are an input
];

/** Places of inputs. */
const INPUT = { key: 1, value: 2, pastKey: 3, pastValue: 4, lengths: 5, cosines: 7, sines: 8, positions: 9, sink: 11 };
const READ_INPUTS: readonly number[] = [0, 6, ...Object.values(INPUT)];

/** A node of `GroupQueryAttention` over float32, as far as it is one of a text with one cache. */
export interface Attention {
  readonly node: OnnxNode;
  readonly heads: number;
  readonly cachedHeads: number;
  readonly scale: number;
  /** 0 for none. */
  readonly softcap: number;
  /** Tokens that a token sees, itself included; 0 for all. */
  readonly window: number;
  /** A score float32[heads] that takes its part and adds nothing; `zero` for one of zeros. */
  readonly sink: string | undefined;
  /** Query, key and value are one input. */
  readonly isPacked: boolean;
  readonly rotary: Rotary | undefined;
  /** The state of the step: keys and values. */
  readonly past: readonly [key: string, value: string];
  /** Inputs of the graph: keys and values of before the run. */
  readonly old: readonly [key: string, value: string];
}

export interface Rotary {
  readonly cosines: string;
  readonly sines: string;
  /** Numbers of a head that are rotated. */
  readonly size: number;
  readonly isInterleaved: boolean;
  /** int64[1,1], if the node gets them. */
  readonly positions: string | undefined;
  /** int32[1]: the tokens before the newest. */
  readonly lengths: string;
}

const numberOf = ({ attributes }: OnnxNode, name: string): number => {
  const attribute = attributes[name];
  return attribute?.type === 'float' ? attribute.value : 0;
};

const isReadable = ({ attributes, inputs, outputs }: OnnxNode): boolean =>
  Object.entries(attributes).every(
    ([name, { value }]) => READ.includes(name) || (typeof value === 'bigint' ? Number(value) : value) === IDLE[name],
  ) &&
  inputs.every((input, place) => input === '' || READ_INPUTS.includes(place)) &&
  outputs.filter((output) => output !== '').length === 3;

/** Undefined where the node rotates and its rotations are not known. */
const readRotary = (node: OnnxNode, { weights }: OnnxGraph): Rotary | undefined => {
  const [cosines = '', sines = ''] = [node.inputs[INPUT.cosines], node.inputs[INPUT.sines]];
  const [, half] = weights.get(cosines)?.shape ?? [];
  if (half === undefined) return undefined;
  return {
    ...{ cosines, sines, size: 2 * half, isInterleaved: integerOf(node, 'rotary_interleaved', 0) === 1 },
    positions: node.inputs[INPUT.positions] || undefined,
    lengths: node.inputs[INPUT.lengths] ?? '',
  };
};

/**
 * Reads `node`; undefined where it is more than the fields say, such as with a bias or a cache that is not float32.
 * @param cacheOf the input of the graph that a state begins with
 */
const readAttention = (
  node: OnnxNode,
  graph: OnnxGraph,
  cacheOf: (past: string) => DeclaredValue | undefined,
): Attention | undefined => {
  const past = [node.inputs[INPUT.pastKey] ?? '', node.inputs[INPUT.pastValue] ?? ''] as const;
  const [key, value] = past.map(cacheOf);
  const [, , , size] = key?.shape ?? [];
  const ownScale = numberOf(node, 'scale');
  const isRotated = integerOf(node, 'do_rotary', 0) === 1;
  const rotary = isRotated ? readRotary(node, graph) : undefined;
  if (
    !isReadable(node) ||
    key?.type !== 'float32' ||
    value?.type !== 'float32' ||
    (ownScale === 0 && typeof size !== 'number') ||
    (isRotated && rotary === undefined)
  )
    return undefined;
  const ownSink = node.inputs[INPUT.sink] || undefined;
  return {
    ...{ node, rotary, past, old: [oldOf(key.name), oldOf(value.name)] },
    ...{ heads: integerOf(node, 'num_heads', 0), cachedHeads: integerOf(node, 'kv_num_heads', 0) },
    scale: ownScale || 1 / Math.sqrt(Number(size)),
    softcap: numberOf(node, 'softcap'),
    window: Math.max(0, integerOf(node, 'local_window_size', -1)),
    sink: ownSink ?? (integerOf(node, 'smooth_softmax', 0) === 1 ? 'zero' : undefined),
    isPacked: !node.inputs[INPUT.key],
  };
};

/** The attentions of `step`. Undefined where one is not known, or where another node uses a cache, too, such as for its length. */
export const readAttentions = (
  graph: OnnxGraph,
  step: readonly OnnxNode[],
  cacheOf: (past: string) => DeclaredValue | undefined,
): ReadonlyMap<OnnxNode, Attention> | undefined => {
  const attentions = new Map<OnnxNode, Attention>();
  for (const node of step.filter(({ operator }) => operator === ATTENTION)) {
    const attention = readAttention(node, graph, cacheOf);
    if (attention === undefined) return undefined;
    attentions.set(node, attention);
  }
  const presents = new Set([...attentions.keys()].flatMap(({ outputs }) => outputs.slice(1)));
  const isElsewhere = step.some((node) =>
    node.inputs.some((input) => presents.has(input) || (cacheOf(input) !== undefined && !attentions.has(node))),
  );
  return isElsewhere ? undefined : attentions;
};
