import { ServingError } from '../../../core/errors.ts';
import { type Signature, type Tensors, tensor } from '../../../core/tensor.ts';
import type { CtcSettings } from '../settings.ts';

type Convolutions = CtcSettings['convolutions'];

/** The number of outputs for `samples` samples: `_get_feat_extract_output_lengths` of transformers. */
export const countOutputs = (samples: number, convolutions: Convolutions): number =>
  convolutions.reduce((length, { kernel, stride }) => Math.floor((length - kernel) / stride) + 1, samples);

/** The fewest samples with an output. */
export const fewestSamples = (convolutions: Convolutions): number =>
  convolutions.reduceRight((length, { kernel, stride }) => (length - 1) * stride + kernel, 1);

/** The names of the graph's tensors. */
export interface CtcGraph {
  readonly input: string;
  /** Undefined when the graph takes none; with a mask, audio of different lengths can run together. */
  readonly mask: string | undefined;
  readonly logits: string;
}

/** @throws `MODEL_INVALID` for a graph that is no CTC model */
export const findTensors = ({ inputs, outputs }: Signature): CtcGraph => {
  const input = inputs.find(({ name }) => name === 'input_values');
  const mask = inputs.find(({ name }) => name === 'attention_mask');
  const logits = outputs.find(({ name }) => name === 'logits') ?? outputs[0];
  const isKnown =
    input?.dtype === 'float32' &&
    input.shape.length === 2 &&
    inputs.length === (mask ? 2 : 1) &&
    (mask?.dtype ?? 'int64') === 'int64';
  if (!isKnown || logits?.dtype !== 'float32' || logits.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      'CTC needs a graph with the input input_values float32[N,samples], at most attention_mask int64[N,samples] ' +
        'besides, and an output logits float32[N,outputs,tokens]',
    );
  if (typeof input.shape[1] === 'number')
    throw new ServingError(
      'MODEL_INVALID',
      `the graph takes ${input.shape[1]} samples and no other number; export it with a variable length, as optimum-cli does by default`,
    );
  return { input: input.name, mask: mask?.name, logits: logits.name };
};

/** Scales to a mean of zero and a variance of one: `zero_mean_unit_var_norm` of `Wav2Vec2FeatureExtractor`. */
const normalize = (samples: Float32Array): Float32Array => {
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / samples.length;
  const scale = 1 / Math.sqrt(variance + 1e-7);
  return samples.map((sample) => (sample - mean) * scale);
};

/** Feeds of a batch, with zeros behind shorter rows. */
export const toFeeds = (batch: readonly Float32Array[], graph: CtcGraph, isNormalized: boolean): Tensors => {
  const longest = Math.max(...batch.map(({ length }) => length));
  const shape = [batch.length, longest];
  const values = new Float32Array(batch.length * longest);
  const mask = new BigInt64Array(graph.mask === undefined ? 0 : values.length);
  for (const [row, samples] of batch.entries()) {
    values.set(isNormalized ? normalize(samples) : samples, row * longest);
    mask.fill(1n, row * longest, row * longest + samples.length);
  }
  return {
    [graph.input]: tensor('float32', shape, values),
    ...(graph.mask !== undefined && { [graph.mask]: tensor('int64', shape, mask) }),
  };
};
