import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom } from '../../src/core/random.ts';
import { type Tensor, tensor } from '../../src/core/tensor.ts';
import { CHARACTER_BYTES } from '../../src/media/text/tokenizer/characters.ts';
import { toPieces } from '../../src/onnx/chunks.ts';
import { createGraph, type GraphBuilder, longs, singles, type Value } from '../../src/onnx/graph-builder.ts';
import { float, integer } from '../../src/onnx/node.ts';

/** The shape of a small Llama, SmolLM2-135M. */
const WIDTH = 576;
const INNER = 1_536;
const HEADS = 9;
const CACHED_HEADS = 3;
const HEAD = 64;
const CONTEXT = 4_096;

/** Elements that share a scale. */
const BLOCK = 32;
/** The standard deviation of 4-bit integers that are equally likely. */
const SPREAD = 4.6;

/** Values of `accuracy_level`. */
const PRODUCTS = { float32: 1, int8: 4 } as const;
type Products = keyof typeof PRODUCTS;

/** `x` float32[…,inputs] by a matrix of 4-bit integers, which keeps the size of the numbers. */
const createMultiply =
  (graph: GraphBuilder, random: () => number, products: Products) =>
  (x: Value, inputs: number, outputs: number): Value => {
    const blocks = inputs / BLOCK;
    const bytes = new Uint8Array(outputs * blocks * (BLOCK / 2));
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = random() * 256;
    const scales = new Float32Array(outputs * blocks).fill(1 / (SPREAD * Math.sqrt(inputs)));
    const weights: Tensor[] = [
      tensor('uint8', [outputs, blocks, BLOCK / 2], bytes),
      tensor('float32', [outputs, blocks], scales),
    ];
    const attributes = {
      K: integer(inputs),
      N: integer(outputs),
      bits: integer(4),
      block_size: integer(BLOCK),
      accuracy_level: integer(PRODUCTS[products]),
    };
    return graph.op('MatMulNBits', [x, ...weights.map(graph.constant)], attributes, 'com.microsoft');
  };

type Multiply = ReturnType<typeof createMultiply>;

const normalize = (graph: GraphBuilder, x: Value): Value =>
  graph.op('SimplifiedLayerNormalization', [x, graph.constant(singles([WIDTH], new Float32Array(WIDTH).fill(1)))], {
    ...{ axis: integer(-1), epsilon: float(1e-5), stash_type: integer(1) },
  });

/** Cosines and sines float32[positions,size/2] of rotary positions. */
const rotations = (of: (angle: number) => number): Tensor => {
  const half = HEAD / 2;
  const values = Array.from({ length: CONTEXT * half }, (_, index) =>
    of(Math.floor(index / half) / 10_000 ** ((index % half) / half)),
  );
  return singles([CONTEXT, half], values);
};

interface Lengths {
  readonly before: Value;
  readonly all: Value;
}

/** Lengths of the texts, int32, from the mask. */
const lengthsOf = (graph: GraphBuilder, mask: Value): Lengths => {
  const toInt32 = (value: Value): Value => graph.op('Cast', [value], { to: integer(6) });
  const sum = graph.op('ReduceSum', [mask, graph.constant(longs([1]))], { keepdims: integer(0) });
  const before = toInt32(graph.op('Sub', [sum, graph.constant(longs([1]))]));
  const all = graph.op('Gather', [
    graph.op('Shape', [mask]),
    graph.constant(tensor('int64', [], BigInt64Array.of(1n))),
  ]);
  return { before, all: toInt32(all) };
};

const addLayer = (graph: GraphBuilder, x: Value, layer: number, lengths: Lengths, multiply: Multiply): Value => {
  const shape = ['batch_size', CACHED_HEADS, 'past', HEAD];
  const past = ['key', 'value'].map((part) => graph.input(`past_key_values.${layer}.${part}`, 'float32', shape));
  const qkv = multiply(normalize(graph, x), WIDTH, (HEADS + 2 * CACHED_HEADS) * HEAD);
  const [attended = '', ...present] = graph.ops(
    'GroupQueryAttention',
    3,
    [
      qkv,
      '',
      '',
      ...past,
      lengths.before,
      lengths.all,
      graph.constant(rotations(Math.cos)),
      graph.constant(rotations(Math.sin)),
    ],
    { num_heads: integer(HEADS), kv_num_heads: integer(CACHED_HEADS), do_rotary: integer(1) },
    'com.microsoft',
  );
  ['key', 'value'].forEach((part, index) => {
    graph.output(`present.${layer}.${part}`, present[index] ?? '', 'float32', [
      'batch_size',
      CACHED_HEADS,
      'total',
      HEAD,
    ]);
  });
  const between = graph.op('Add', [x, multiply(attended, HEADS * HEAD, WIDTH)]);
  const normal = normalize(graph, between);
  const gate = multiply(normal, WIDTH, INNER);
  const active = graph.op('Mul', [gate, graph.op('Sigmoid', [gate])]);
  const inner = graph.op('Mul', [active, multiply(normal, WIDTH, INNER)]);
  return graph.op('Add', [between, multiply(inner, INNER, WIDTH)]);
};

/** The settings that onnxruntime-genai reads. */
const genaiConfig = (layers: number, vocabulary: number) => ({
  model: {
    ...{ type: 'llama', bos_token_id: 0, eos_token_id: 0, pad_token_id: 0 },
    ...{ context_length: CONTEXT, vocab_size: vocabulary },
    decoder: {
      session_options: { intra_op_num_threads: 1, inter_op_num_threads: 1 },
      filename: 'model.onnx',
      ...{ head_size: HEAD, hidden_size: WIDTH, num_hidden_layers: layers },
      ...{ num_attention_heads: HEADS, num_key_value_heads: CACHED_HEADS },
      inputs: {
        ...{ input_ids: 'input_ids', attention_mask: 'attention_mask' },
        ...{ past_key_names: 'past_key_values.%d.key', past_value_names: 'past_key_values.%d.value' },
      },
      outputs: {
        ...{ logits: 'logits', present_key_names: 'present.%d.key', present_value_names: 'present.%d.value' },
      },
    },
  },
  search: { max_length: CONTEXT, past_present_share_buffer: true, do_sample: false, num_beams: 1 },
});

/** Tokens of bytes and of made-up words: `Ġw300`, …. */
const vocabularyOf = (size: number): Record<string, number> => {
  const tokens = [...CHARACTER_BYTES.keys()];
  for (let id = tokens.length; id < size; id += 1) tokens.push(`Ġw${id}`);
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
};

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/**
 * Writes the folder of a decoder with random int4 weights, as onnxruntime-genai's builder makes them, and of a tokenizer. onnxruntime-genai and
 * transformers.js read it, too.
 */
export const writeDecoderModel = async (
  folder: string,
  {
    layers = 30,
    vocabulary = 32_000,
    products = 'int8',
  }: { layers?: number; vocabulary?: number; products?: Products } = {},
): Promise<void> => {
  const random = createRandom(7);
  const graph = createGraph();
  const multiply = createMultiply(graph, random, products);
  const ids = graph.input('input_ids', 'int64', ['batch_size', 'tokens']);
  const lengths = lengthsOf(graph, graph.input('attention_mask', 'int64', ['batch_size', 'total']));
  const embeddings = singles(
    [vocabulary, WIDTH],
    Float32Array.from({ length: vocabulary * WIDTH }, () => random() - 0.5),
  );
  let x = graph.op('Gather', [graph.constant(embeddings), ids]);
  for (let layer = 0; layer < layers; layer += 1) x = addLayer(graph, x, layer, lengths, multiply);
  const logits = multiply(normalize(graph, x), WIDTH, vocabulary);
  graph.output('logits', logits, 'float32', ['batch_size', 'tokens', vocabulary]);
  await mkdir(folder, { recursive: true });
  const json = (name: string, value: unknown) => writeFile(path.join(folder, name), JSON.stringify(value));
  await writeFile(path.join(folder, 'model.onnx'), toPieces(graph.toModel()));
  await json('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    max_position_embeddings: CONTEXT,
    ...{ hidden_size: WIDTH, head_dim: HEAD, num_hidden_layers: layers, vocab_size: vocabulary },
    ...{ num_attention_heads: HEADS, num_key_value_heads: CACHED_HEADS },
  });
  await json('genai_config.json', genaiConfig(layers, vocabulary));
  await json('generation_config.json', { eos_token_id: 0, bos_token_id: 0 });
  await json('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast' });
  await json('tokenizer.json', {
    ...{ version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null },
    ...{ pre_tokenizer: byteLevel, decoder: byteLevel },
    model: { type: 'BPE', dropout: null, unk_token: null, vocab: vocabularyOf(vocabulary), merges: [] },
  });
};
