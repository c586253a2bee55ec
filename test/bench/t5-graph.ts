import type { Chunks } from '../../src/onnx/chunks.ts';
import { createGraph, type GraphBuilder, singles, type Value } from '../../src/onnx/graph-builder.ts';
import { integer } from '../../src/onnx/node.ts';
import {
  createLayers,
  createWeights,
  one,
  positionBias,
  type RandomWeights,
  type T5Sizes,
  type Weights,
} from './t5-layers.ts';

const sizeOf = ({ op, constant }: GraphBuilder, x: Value, axis: number): Value =>
  op('Gather', [op('Shape', [x]), constant(one(axis))]);

/** The graph `encoder_model.onnx`. */
export const buildEncoder = (random: RandomWeights, sizes: T5Sizes): Chunks => {
  const graph = createGraph('encoder');
  const [ids = '', mask = ''] = ['input_ids', 'attention_mask'].map((name) =>
    graph.input(name, 'int64', ['batch_size', 'encoder_sequence_length']),
  );
  const layers = createLayers(graph, createWeights(graph, random), sizes, 'encoder');
  const positions = positionBias(graph, layers.positions(), graph.constant(one(0)), sizeOf(graph, ids, 1), false);
  const bias = graph.op('Add', [positions, layers.maskBias(mask)]);
  let x = layers.embed(ids);
  for (let layer = 0; layer < sizes.num_layers; layer += 1) {
    const normal = layers.normalize(x);
    const [keys, values] = [layers.project(normal, `${layer}.k`), layers.project(normal, `${layer}.v`)];
    x = layers.feedForward(layers.attend(x, `${layer}`, keys, values, bias), `${layer}`);
  }
  graph.output('last_hidden_state', layers.normalize(x), 'float32', [
    'batch_size',
    'encoder_sequence_length',
    sizes.d_model,
  ]);
  return graph.toModel();
};

const CACHES = ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'];

/** The inputs of a decoder. */
interface DecoderInputs {
  readonly ids: Value;
  readonly hidden: Value;
  readonly mask: Value;
  /** Of each layer, in the order of `CACHES`. */
  readonly past: readonly (readonly Value[])[];
}

/** A branch of the decoder: with `isFirst` it computes keys and values of the encoder, otherwise it takes them from the cache. */
const buildBranch = (
  graph: GraphBuilder,
  weights: Weights,
  sizes: T5Sizes,
  { ids, hidden, mask, past }: DecoderInputs,
  isFirst: boolean,
): Chunks => {
  const layers = createLayers(graph, weights, sizes, 'decoder');
  const { op, constant } = graph;
  const { num_heads: heads, d_kv: head } = sizes;
  const known = isFirst ? constant(one(0)) : sizeOf(graph, past[0]?.[0] ?? '', 2);
  const bias = positionBias(graph, layers.positions(), known, op('Add', [known, sizeOf(graph, ids, 1)]), true);
  const maskBias = layers.maskBias(mask);
  const present: Value[] = [];
  let x = layers.embed(ids);
  past.forEach(([pastKeys = '', pastValues = '', encoderKeys = '', encoderValues = ''], layer) => {
    const normal = layers.normalize(x);
    const extend = (before: Value, which: string): Value => {
      const added = layers.project(normal, `${layer}.${which}`);
      return isFirst ? added : op('Concat', [before, added], { axis: integer(2) });
    };
    const [keys, values] = [extend(pastKeys, 'k'), extend(pastValues, 'v')];
    const cross = isFirst
      ? [layers.project(hidden, `${layer}.cross.k`), layers.project(hidden, `${layer}.cross.v`)]
      : [encoderKeys, encoderValues];
    const attended = layers.attend(x, `${layer}`, keys, values, bias);
    x = layers.feedForward(
      layers.attend(attended, `${layer}.cross`, cross[0] ?? '', cross[1] ?? '', maskBias),
      `${layer}`,
    );
    // As Optimum has it: later steps give nothing for the encoder.
    const nothing = constant(singles([0, heads, 1, head], []));
    present.push(keys, values, ...(isFirst ? cross : [nothing, nothing]));
  });
  const scaled = op('Mul', [layers.normalize(x), constant(singles([], [sizes.d_model ** -0.5]))]);
  const logits = op('MatMul', [scaled, weights('head', sizes.d_model, sizes.vocab_size, Math.sqrt(sizes.d_model))]);
  [logits, ...present].forEach((value, index) => {
    graph.output(
      `${isFirst ? 'first' : 'later'}.${index}`,
      value,
      'float32',
      index === 0 ? ['', '', ''] : ['', '', '', ''],
    );
  });
  return graph.toGraph();
};

/** The graph `decoder_model_merged.onnx`, with a branch for the first step and one for later steps, as Optimum exports it. */
export const buildDecoder = (random: RandomWeights, sizes: T5Sizes): Chunks => {
  const graph = createGraph('decoder');
  const weights = createWeights(graph, random);
  const { num_layers: count, num_heads: heads, d_kv: head } = sizes;
  const cache = (side: string) => ['batch_size', heads, `${side}_sequence_length`, head];
  const mask = graph.input('encoder_attention_mask', 'int64', ['batch_size', 'encoder_sequence_length']);
  const ids = graph.input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length']);
  const hidden = graph.input('encoder_hidden_states', 'float32', [
    'batch_size',
    'encoder_sequence_length',
    sizes.d_model,
  ]);
  const past = Array.from({ length: count }, (_, layer) =>
    CACHES.map((name) =>
      graph.input(
        `past_key_values.${layer}.${name}`,
        'float32',
        cache(name.startsWith('encoder') ? 'encoder' : 'past_decoder'),
      ),
    ),
  );
  const usesCache = graph.input('use_cache_branch', 'bool', [1]);
  const branch = (name: string, isFirst: boolean) => {
    const value = buildBranch(graph.subgraph(name), weights, sizes, { ids, hidden, mask, past }, isFirst);
    return { type: 'graph', value } as const;
  };
  const [logits = '', ...present] = graph.ops('If', 1 + count * CACHES.length, [usesCache], {
    then_branch: branch('later', false),
    else_branch: branch('first', true),
  });
  graph.output('logits', logits, 'float32', ['batch_size', 'decoder_sequence_length', sizes.vocab_size]);
  present.forEach((value, index) => {
    const name = CACHES[index % CACHES.length] ?? '';
    graph.output(
      `present.${Math.floor(index / CACHES.length)}.${name}`,
      value,
      'float32',
      cache(name.startsWith('encoder') ? 'encoder_out' : 'decoder'),
    );
  });
  return graph.toModel();
};
