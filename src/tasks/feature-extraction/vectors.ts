import { ServingError } from '../../core/errors.ts';
import { type Signature, type Tensor, type Tensors, tensorOf } from '../../core/tensor.ts';
import { rowStart } from '../../media/text/collate.ts';
import type { Encoding, Tokenizer } from '../../media/text/tokenizer.ts';
import { type PoolName, pool } from './pooling.ts';
import type { FeatureExtractionSettings } from './settings.ts';

/** The vectors of a text: a single one, or one for each token. */
export type Vectors = readonly Float32Array[];

/** The output of the graph from which the vectors of a text are read. */
export type VectorSource =
  /** float32[N,width]: the graph makes one vector of a text. */
  | { readonly kind: 'text'; readonly output: string }
  /** float32[N,tokens,width]: `pools` make one vector of the vectors of tokens; without pools, these are answered themselves. */
  | { readonly kind: 'tokens'; readonly output: string; readonly pools: readonly PoolName[] };

export const isPerToken = (source: VectorSource): boolean => source.kind === 'tokens' && source.pools.length === 0;

export interface VectorSources {
  /** The source that the model's own files name. */
  readonly model: VectorSource;
  /** The output with the vectors of tokens; undefined when the graph has none. */
  readonly tokens: string | undefined;
}

/** @throws `MODEL_INVALID` for a graph without vectors, or one that lacks a module of the model */
export const findSources = (
  { outputs }: Signature,
  { pooling, graphModules }: FeatureExtractionSettings,
): VectorSources => {
  const vectors = outputs.filter(({ dtype }) => dtype === 'float32');
  const tokens = vectors.find(({ shape }) => shape.length === 3)?.name;
  const text = vectors.find(({ name, shape }) => name === 'sentence_embedding' && shape.length === 2)?.name;
  if (text !== undefined) return { model: { kind: 'text', output: text }, tokens };
  if (tokens === undefined)
    throw new ServingError(
      'MODEL_INVALID',
      'feature-extraction needs a graph with an output last_hidden_state float32[N,tokens,width] or sentence_embedding float32[N,width]',
    );
  if (graphModules.length > 0)
    throw new ServingError(
      'MODEL_INVALID',
      `modules.json has ${graphModules.join(', ')}, which is served only where the graph holds it and has an ` +
        'output sentence_embedding: export with optimum-cli export onnx --library sentence_transformers',
    );
  return { model: { kind: 'tokens', output: tokens, pools: pooling }, tokens };
};

/** The vector of each text, made in the graph. */
const readTexts = ({ data, shape: [count = 0, width = 0] }: Tensor<'float32'>): Vectors[] =>
  Array.from({ length: count }, (_, row) => [data.slice(row * width, (row + 1) * width)]);

/** The pooled vector of each text, or the vectors of its tokens without `pools`; padding is left out. */
const readTokens = (
  { data, shape: [, length = 0, width = 0] }: Tensor<'float32'>,
  encodings: readonly Encoding[],
  pools: readonly PoolName[],
  tokenizer: Tokenizer,
): Vectors[] =>
  encodings.map((encoding, row) => {
    const from = row * length + rowStart(encoding, length, tokenizer);
    if (pools.length > 0) return [pool(pools, data, width, from, from + encoding.ids.length)];
    return encoding.ids.map((_, token) => data.slice((from + token) * width, (from + token + 1) * width));
  });

/** The vectors of each text of a batch. */
export const readVectors = (
  outputs: Tensors,
  source: VectorSource,
  encodings: readonly Encoding[],
  tokenizer: Tokenizer,
): Vectors[] => {
  const tensor = tensorOf(outputs, source.output, 'float32');
  return source.kind === 'text' ? readTexts(tensor) : readTokens(tensor, encodings, source.pools, tokenizer);
};
