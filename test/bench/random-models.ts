import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom } from '../../src/core/random.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { type Chunks, toPieces } from '../../src/onnx/chunks.ts';
import { singles } from '../../src/onnx/graph-builder.ts';
import { type BertSizes, buildBert } from './bert-graph.ts';
import { buildDecoder, buildEncoder } from './t5-graph.ts';
import type { RandomWeights, T5Sizes } from './t5-layers.ts';
import { projectRoot } from './workbench.ts';

/** bert-base-uncased. */
const BERT_BASE = {
  ...{ model_type: 'bert', hidden_act: 'gelu', max_position_embeddings: 512, type_vocab_size: 2, vocab_size: 30_522 },
  ...{ hidden_size: 768, intermediate_size: 3_072, num_attention_heads: 12, num_hidden_layers: 12 },
  layer_norm_eps: 1e-12,
} satisfies BertSizes & Readonly<Record<string, unknown>>;

/** t5-small. */
const T5_SMALL = {
  ...{ model_type: 't5', is_encoder_decoder: true, feed_forward_proj: 'relu', tie_word_embeddings: true },
  ...{ d_model: 512, d_kv: 64, d_ff: 2_048, num_heads: 8, num_layers: 6, num_decoder_layers: 6, vocab_size: 32_128 },
  ...{ pad_token_id: 0, eos_token_id: 1, decoder_start_token_id: 0 },
} satisfies T5Sizes & Readonly<Record<string, unknown>>;

const LABELS = ['O', ...['PER', 'ORG', 'LOC', 'MISC'].flatMap((kind) => [`B-${kind}`, `I-${kind}`])];

/** Equally likely numbers with a standard deviation of 1 have this bound. */
const BOUND = Math.sqrt(3);

/** Random weights, the same in every run. */
const createRandomWeights = (seed: number): RandomWeights => {
  const random = createRandom(seed);
  return (inputs, outputs, scale = 1) => {
    const values = new Float32Array(inputs * outputs);
    const factor = (2 * BOUND * scale) / Math.sqrt(inputs);
    for (let index = 0; index < values.length; index += 1) values[index] = (random() - 0.5) * factor;
    return singles([inputs, outputs], values);
  };
};

const createFolder = async (folder: string) => {
  await mkdir(folder, { recursive: true });
  return {
    json: (name: string, value: unknown) => writeFile(path.join(folder, name), JSON.stringify(value)),
    model: (name: string, chunks: Chunks) => writeFile(path.join(folder, name), toPieces(chunks)),
  };
};

/** Layers add little to a token, so that tokens get labels of their own. */
const OUTPUT_SIZE = 0.2;

/** Weights of BERT by their names in PyTorch, where a matrix is float32[outputs,inputs]. */
const bertWeights = (random: RandomWeights): ((name: string) => Tensor) => {
  const { hidden_size: width, intermediate_size: inner } = BERT_BASE;
  /** Rows, and the size of their numbers: what all words have in common is small. */
  const tables: Readonly<Record<string, readonly [rows: number, size: number]>> = {
    word: [BERT_BASE.vocab_size, 1],
    position: [BERT_BASE.max_position_embeddings, 0.1],
    token_type: [BERT_BASE.type_vocab_size, 0.1],
  };
  return (name) => {
    const [, table] = /^embeddings\.(\w+)_embeddings/.exec(name) ?? [];
    if (table !== undefined) {
      const [rows, scale] = tables[table] ?? [0, 0];
      return random(rows, width, scale * Math.sqrt(rows));
    }
    const size = name.includes('intermediate') ? inner : width;
    if (!name.endsWith('.weight')) return singles([size], new Float32Array(size));
    if (name.includes('LayerNorm')) return singles([width], new Float32Array(width).fill(1));
    const isOutput = name.includes('output.dense');
    const inputs = isOutput && !name.includes('attention') ? inner : width;
    return random(size, inputs, isOutput ? OUTPUT_SIZE : 1);
  };
};

/** Writes the folder of an encoder of BERT-base's size with random weights, which labels tokens. @param tokenizer a folder with files of one */
export const writeEntityModel = async (folder: string, tokenizer: string): Promise<void> => {
  const random = createRandomWeights(1);
  const { json, model } = await createFolder(folder);
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
    await cp(path.join(tokenizer, name), path.join(folder, name));
  await model('model.onnx', buildBert(bertWeights(random), BERT_BASE, random(BERT_BASE.hidden_size, LABELS.length)));
  await json('config.json', { ...BERT_BASE, architectures: ['BertForTokenClassification'], id2label: { ...LABELS } });
};

const SPECIAL_TOKENS = ['<pad>', '</s>', '<unk>'];
const WORD_START = '▁';

/** Pieces with their scores: characters, the words of reviews, and made-up words up to the size of the vocabulary. */
const readPieces = async (): Promise<[string, number][]> => {
  const reviews = await readFile(path.join(projectRoot, 'models/sentiment/held-out.tsv'), 'utf8');
  const words = new Set(Array.from(reviews.matchAll(/[A-Za-z]{2,}/g), ([word]) => WORD_START + word));
  const pieces = [
    ...SPECIAL_TOKENS.map((token): [string, number] => [token, 0]),
    ...[...new Set([WORD_START, ...reviews])].map((character): [string, number] => [character, -12]),
    ...[...words].map((word): [string, number] => [word, -8]),
  ];
  for (let id = pieces.length; id < T5_SMALL.vocab_size; id += 1) pieces.push([`${WORD_START}w${id}`, -14]);
  return pieces;
};

const writeTokenizer = async (json: (name: string, value: unknown) => Promise<void>): Promise<void> => {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const metaspace = { type: 'Metaspace', replacement: WORD_START, prepend_scheme: 'always', split: true };
  await json('tokenizer.json', {
    ...{ version: '1.0', truncation: null, padding: null, normalizer: null },
    ...{ pre_tokenizer: metaspace, decoder: metaspace },
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, ...flags })),
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
      special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
    model: { type: 'Unigram', unk_id: 2, vocab: await readPieces(), byte_fallback: false },
  });
  await json('tokenizer_config.json', {
    ...{ tokenizer_class: 'T5Tokenizer', model_max_length: 512, clean_up_tokenization_spaces: false },
    ...{ pad_token: '<pad>', eos_token: '</s>', unk_token: '<unk>' },
  });
};

/** Writes the folder of an encoder and a decoder of T5-small's size with random weights, as Optimum exports them. */
export const writeTranslationModel = async (folder: string): Promise<void> => {
  const { json, model } = await createFolder(folder);
  await model('encoder_model.onnx', buildEncoder(createRandomWeights(2), T5_SMALL));
  await model('decoder_model_merged.onnx', buildDecoder(createRandomWeights(3), T5_SMALL));
  await json('config.json', { ...T5_SMALL, architectures: ['T5ForConditionalGeneration'] });
  await json('generation_config.json', { eos_token_id: 1, pad_token_id: 0, decoder_start_token_id: 0 });
  await writeTokenizer(json);
};
