import { tensor } from '../core/tensor.ts';
import { toField } from '../onnx/chunks.ts';
import { longs, singles } from '../onnx/graph-builder.ts';
import { createNode, float, integer, type OnnxGraph, type OnnxNode } from '../onnx/node.ts';
import { GRAPH } from '../onnx/schema.ts';
import { encodeValueInfo, type Weights } from '../onnx/tensor-proto.ts';
import type { DeclaredValue } from '../onnx/value-info.ts';
import { type Attention, readAttentions } from './attention.ts';
import { createNodes, type Nodes } from './draft-nodes.ts';

const INT64 = 7;
const CONTRIB = 'com.microsoft';
/** The axis of the tokens in a cache, and in scores [1,heads,group,tokens]. */
const TOKENS = integer(2);
const LAST = integer(3);

const long = (value: number) => tensor('int64', [], BigInt64Array.of(BigInt(value)));

/** The values that all attentions of a step use. Each is made once, when the first of them asks for it. */
const createShared = (nodes: Nodes, { old, past }: Attention) => {
  const { op } = nodes;
  const made = new Set<string>();
  const once = (name: string, make: (name: string) => unknown): string => {
    if (!made.has(name)) make(name);
    made.add(name);
    return name;
  };
  const constant = (...values: number[]): string =>
    once(`split.${values.join('_')}`, (name) => nodes.constant(name, longs(values)));
  const single = (name: string, value: number): string => once(name, () => nodes.constant(name, singles([], [value])));
  /** int64[1]: the tokens of a cache. */
  const tokensOf = (cache: string): string =>
    once(`split.tokens.${cache}`, (name) =>
      op('Gather', [op('Shape', [cache], `${name}.shape`), constant(2)], name, { axis: integer(0) }),
    );
  const newTokens = (): string => once('split.new_tokens', (name) => op('Add', [tokensOf(past[0]), constant(1)], name));
  return {
    constant,
    single,
    once,
    /** bool[1]: the tokens of before the run have a cache of their own. */
    isOn: () => once('split.is_on', (name) => op('Greater', [tokensOf(old[0]), constant(0)], name)),
    /** int64[2], or int64[3] with a sink: lengths of the parts of the probabilities. */
    sizes: (hasSink: boolean) =>
      once(hasSink ? 'split.sizes_sink' : 'split.sizes', (name) =>
        op('Concat', [tokensOf(old[0]), newTokens(), ...(hasSink ? [constant(1)] : [])], name, { axis: integer(0) }),
      ),
    /** int64[1]: the position of the token. @param lengths int32[1] */
    position: (lengths: string) =>
      once(`split.position.${lengths}`, (name) => op('Cast', [lengths], name, { to: integer(INT64) })),
    /** float32[tokens]: -Infinity for those before the last `window`. */
    mask: (window: number) =>
      once(`split.mask_${window}`, (name) => {
        const all = op('Add', [tokensOf(old[0]), newTokens()], `${name}.all`);
        const bounds = [
          once('split.scalar_0', (zero) => nodes.constant(zero, long(0))),
          op('Squeeze', [all], `${name}.count`),
          once('split.scalar_1', (one) => nodes.constant(one, long(1))),
        ];
        const first = op('Sub', [all, constant(window)], `${name}.first`);
        const isHidden = op('Less', [op('Range', bounds, `${name}.places`), first], `${name}.is_hidden`);
        op('Where', [isHidden, single('split.hidden', Number.NEGATIVE_INFINITY), single('split.seen', 0)], name);
      }),
  };
};
type Shared = ReturnType<typeof createShared>;

/** Query, key and value of one token, float32[1,heads,1,size], rotated by its position. */
const addHeads = (nodes: Nodes, shared: Shared, attention: Attention, id: string): string[] => {
  const { node, heads, cachedHeads, rotary, isPacked } = attention;
  const parts = ['query', 'key', 'value'].map((part) => `${id}.${part}`);
  const toHeads = (from: string, count: number, name: string): string =>
    nodes.op('Reshape', [from, shared.constant(1, count, 1, -1)], name);
  if (isPacked) {
    const packed = toHeads(node.inputs[0] ?? '', heads + 2 * cachedHeads, `${id}.packed`);
    nodes.ops('Split', [packed, shared.constant(heads, cachedHeads, cachedHeads)], parts, { axis: integer(1) });
  } else
    for (const [place, part] of parts.entries())
      toHeads(node.inputs[place] ?? '', place === 0 ? heads : cachedHeads, part);
  if (rotary === undefined) return parts;
  const [query = '', key = '', value = ''] = parts;
  const { cosines, sines, isInterleaved, positions = shared.position(rotary.lengths) } = rotary;
  const rotate = (from: string, count: number): string => {
    const attributes = {
      interleaved: integer(isInterleaved ? 1 : 0),
      ...{ rotary_embedding_dim: integer(rotary.size), num_heads: integer(count) },
    };
    return nodes.op('RotaryEmbedding', [from, positions, cosines, sines], `${from}.rotated`, attributes, CONTRIB);
  };
  return [rotate(query, heads), rotate(key, cachedHeads), value];
};

/** Probabilities float32[1,heads,group,tokens] of the tokens, and of a sink behind them, by their scores. */
const addProbabilities = (nodes: Nodes, shared: Shared, attention: Attention, scores: string, id: string): string => {
  const { softcap, window, sink, cachedHeads, heads } = attention;
  const { op } = nodes;
  let all = scores;
  if (softcap > 0) {
    const cap = shared.single(`split.cap_${softcap}`, softcap);
    all = op('Mul', [op('Tanh', [op('Div', [all, cap], `${id}.part`)], `${id}.bent`), cap], `${id}.capped`);
  }
  if (window > 0) all = op('Add', [all, shared.mask(window)], `${id}.in_window`);
  if (sink !== undefined) {
    const group = [1, cachedHeads, heads / cachedHeads, 1];
    const own =
      sink === 'zero'
        ? shared.once(`split.sink_${group.join('_')}`, (name) =>
            nodes.constant(name, singles(group, new Float32Array(heads))),
          )
        : op('Reshape', [sink, shared.constant(...group)], `${id}.sink`);
    all = op('Concat', [all, own], `${id}.with_sink`, { axis: LAST });
  }
  return op('Softmax', [all], `${id}.probabilities`, { axis: LAST });
};

const toBranch = (name: string, nodes: readonly OnnxNode[], outputs: readonly string[]): OnnxGraph => ({
  ...{ nodes, weights: new Map(), inputs: [] },
  outputs: outputs.map((output) => ({ name: output, encoded: encodeValueInfo(output, 'float32') })),
  rest: toField(GRAPH.name, name),
});

/** The attention of one token to those of before the run, whose keys and values are read where they are, and to those of the run. */
const toSplit = (all: Nodes, shared: Shared, attention: Attention): OnnxGraph => {
  const { node, heads, cachedHeads, scale, past, old, sink } = attention;
  const id = `split.${node.outputs[0]}`;
  const nodes = { ...createNodes(), constant: all.constant };
  const { op } = nodes;
  const [query = '', key = '', value = ''] = addHeads(nodes, shared, attention, id);
  const grouped = op('Reshape', [query, shared.constant(1, cachedHeads, heads / cachedHeads, -1)], `${id}.grouped`);
  const keys = op('Concat', [past[0], key], `${id}.keys`, { axis: TOKENS });
  const values = op('Concat', [past[1], value], `${id}.values`, { axis: TOKENS });
  const score = (from: string, name: string): string =>
    op('FusedMatMul', [grouped, from], `${id}.${name}`, { transB: integer(1), alpha: float(scale) }, CONTRIB);
  const scores = [score(old[0], 'scores_old'), score(keys, 'scores_new')];
  const together = op('Concat', scores, `${id}.scores`, { axis: LAST });
  const probabilities = addProbabilities(nodes, shared, attention, together, id);
  const parts = [`${id}.of_old`, `${id}.of_new`];
  const rest = sink === undefined ? [] : [`${id}.of_sink`];
  nodes.ops('Split', [probabilities, shared.sizes(sink !== undefined)], [...parts, ...rest], { axis: LAST });
  const sums = [old[1], values].map((from, index) => op('MatMul', [parts[index] ?? '', from], `${parts[index]}.sum`));
  const attended = op('Reshape', [op('Add', sums, `${id}.sum`), shared.constant(1, 1, -1)], `${id}.attended`);
  return toBranch(id, nodes.nodes, [attended, keys, values]);
};

/** The node of `attention`, or its split where the tokens of before the run have a cache of their own. */
const toNode = (nodes: Nodes, shared: Shared, attention: Attention): OnnxNode => {
  const { node } = attention;
  const whole = node.outputs.map((name) => `whole.${name}`);
  return createNode('If', [shared.isOn()], node.outputs, {
    then_branch: { type: 'graph', value: toSplit(nodes, shared, attention) },
    else_branch: { type: 'graph', value: toBranch(whole.join(), [{ ...node, outputs: whole }], whole) },
  });
};

/**
 * The nodes of a step whose attentions may take the cache in two parts. Inputs of the graph have the tokens of before the run, and the state
 * has those of the run. `GroupQueryAttention` copies all keys and values in each step. The split reads the old ones where they are. It
 * takes one token of one text, and the operator the rest. Undefined where an attention is not known.
 */
export const splitAttentions = (
  graph: OnnxGraph,
  step: readonly OnnxNode[],
  cacheOf: (past: string) => DeclaredValue | undefined,
): { readonly nodes: readonly OnnxNode[]; readonly weights: readonly Weights[] } | undefined => {
  const attentions = readAttentions(graph, step, cacheOf);
  const [first] = attentions?.values() ?? [];
  if (attentions === undefined || first === undefined) return undefined;
  const nodes = createNodes();
  const shared = createShared(nodes, first);
  const all = step.flatMap((node) => {
    const attention = attentions.get(node);
    if (attention === undefined) return [node];
    const split = toNode(nodes, shared, attention);
    return [...nodes.nodes.splice(0), split];
  });
  return { nodes: all, weights: nodes.weights };
};
