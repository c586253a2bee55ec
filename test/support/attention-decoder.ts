import { createRandom } from '../../src/core/random.ts';
import type { DType } from '../../src/core/tensor.ts';
import { createGraph, type GraphBuilder, longs, singles } from '../../src/onnx/graph-builder.ts';
import { type GraphDocument, readGraph } from '../../src/onnx/graph-document.ts';
import { withLastPosition } from '../../src/onnx/last-position.ts';
import { type Attributes, integer } from '../../src/onnx/node.ts';
import { parseOnnxModel } from '../../src/onnx/onnx-model.ts';

export const [HEADS, CACHED, SIZE, VOCABULARY] = [4, 2, 32, 64];
const CONTEXT = 512;

export interface Variant {
  readonly attributes?: Attributes;
  readonly isPacked?: boolean;
  /** Numbers of a head that are rotated. */
  readonly rotated?: number;
  /** float32 inputs of the node by their place. */
  readonly inputs?: Readonly<Record<number, number>>;
  readonly takesPositions?: boolean;
  readonly cache?: DType;
  readonly usesCacheElsewhere?: boolean;
}

/** A decoder of one attention with random weights. */
export const toDocument = (variant: Variant): { model: ReturnType<typeof parseOnnxModel>; document: GraphDocument } => {
  const { attributes = {}, isPacked = true, rotated = 0, inputs = {}, takesPositions, cache = 'float32' } = variant;
  const random = createRandom(3);
  const graph = createGraph();
  const weights = (scale: number, ...shape: number[]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => (random() - 0.5) * scale);
    return graph.constant(singles(shape, values));
  };
  const rotations = (of: (angle: number) => number) =>
    graph.constant(
      singles(
        [CONTEXT, rotated / 2],
        Array.from({ length: (CONTEXT * rotated) / 2 }, (_, index) =>
          of(Math.floor(index / (rotated / 2)) / 10 ** (index % (rotated / 2))),
        ),
      ),
    );
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'all']);
  const positions = takesPositions ? graph.input('position_ids', 'int64', ['batch', 'tokens']) : '';
  const toInt32 = (value: string) => graph.op('Cast', [value], { to: integer(6) });
  const sum = graph.op('ReduceSum', [mask, graph.constant(longs([1]))], { keepdims: integer(0) });
  const lengths = toInt32(graph.op('Sub', [sum, graph.constant(longs([1]))]));
  const all = toInt32(graph.op('Squeeze', [graph.op('Shape', [mask], { start: integer(1) })]));
  const shape = ['batch', CACHED, 'past', SIZE];
  const past = ['key', 'value'].map((part) => graph.input(`past_key_values.0.${part}`, cache, shape));
  const width = HEADS * SIZE;
  const x = graph.op('Gather', [weights(2, VOCABULARY, width), ids]);
  const project = (heads: number) => toCache(graph, graph.op('MatMul', [x, weights(0.5, width, heads * SIZE)]), cache);
  const own = isPacked ? [project(HEADS + 2 * CACHED), '', ''] : [project(HEADS), project(CACHED), project(CACHED)];
  const rest = [10, 11].map((place) => inputs[place]);
  const [attended = '', ...present] = graph.ops(
    'GroupQueryAttention',
    3,
    [
      ...[...own, ...past, lengths, all],
      ...(rotated > 0 ? [rotations(Math.cos), rotations(Math.sin)] : ['', '']),
      positions,
      ...rest.map((size) => (size === undefined ? '' : weights(4, size))),
    ],
    {
      ...{ num_heads: integer(HEADS), kv_num_heads: integer(CACHED), do_rotary: integer(rotated > 0 ? 1 : 0) },
      ...attributes,
    },
    'com.microsoft',
  );
  const float32 = cache === 'float32' ? attended : graph.op('Cast', [attended], { to: integer(1) });
  let mixed = graph.op('Add', [x, graph.op('MatMul', [float32, weights(1, width, width)])]);
  if (variant.usesCacheElsewhere) {
    const size = graph.op('Cast', [graph.op('Shape', [past[0] ?? ''], { start: integer(2), end: integer(3) })], {
      to: integer(1),
    });
    mixed = graph.op('Add', [mixed, size]);
  }
  graph.output('logits', graph.op('MatMul', [mixed, weights(0.5, width, VOCABULARY)]), 'float32', [
    'batch',
    'tokens',
    VOCABULARY,
  ]);
  for (const [index, part] of ['key', 'value'].entries())
    graph.output(`present.0.${part}`, present[index] ?? '', cache, ['batch', CACHED, 'total', SIZE]);
  const model = parseOnnxModel(Buffer.concat([...graph.toModel()]));
  const { graph: whole, opsets } = readGraph(model);
  // The builder names outputs by a node of their own.
  return { model, document: { opsets, graph: withoutIdentities(withLastPosition(whole, 'logits')) } };
};

const toCache = (graph: GraphBuilder, value: string, dtype: DType): string =>
  dtype === 'float16' ? graph.op('Cast', [value], { to: integer(10) }) : value;

/** Names the outputs of nodes as those of the graph, in the place of copies. */
const withoutIdentities = (graph: GraphDocument['graph']): GraphDocument['graph'] => {
  const names = new Map(
    graph.nodes.flatMap(({ operator, inputs: [from = ''], outputs: [to = ''] }) =>
      operator === 'Identity' ? [[from, to]] : [],
    ),
  );
  const nodes = graph.nodes.filter(({ operator }) => operator !== 'Identity');
  return {
    ...graph,
    nodes: nodes.map((node) => ({ ...node, outputs: node.outputs.map((name) => names.get(name) ?? name) })),
  };
};
