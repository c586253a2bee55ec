import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import {
  allocate,
  elementCount,
  formatSpec,
  type Signature,
  type Tensor,
  type TensorSpec,
  type Tensors,
} from '../core/tensor.ts';

/** What an encoder made of B inputs. */
export interface Encoded {
  /** float32[B,S,D] */
  readonly hiddenStates: Tensor;
  /** int64[B,S]; left out where the decoder takes none, as in speech. */
  readonly attentionMask?: Tensor;
}

/** A merged decoder with the key–value cache of its rows. At first there is one row for each input. */
export interface Decoder {
  /**
   * Feeds every row its next tokens, all rows equally many.
   * @returns for each row the logits float32[V] of what follows; they are the caller's to change
   * @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED`
   */
  step(tokens: readonly (readonly number[])[]): Promise<Float32Array[]>;
  /** Row i goes on from where row `sources[i]` is; rows may be repeated and left out. */
  select(sources: readonly number[]): void;
}

const PAST = /^past_key_values\./;
const ENCODER_PAST = /\.encoder\.(key|value)$/;

const isCache = ({ name }: TensorSpec): boolean => PAST.test(name);
const toPresent = (past: string): string => past.replace(PAST, 'present.');

/** @throws `MODEL_INVALID` when the graph is no merged decoder as Optimum exports it */
export const assertMergedDecoder = ({ inputs, outputs }: Signature): void => {
  const names = new Set(inputs.map(({ name }) => name));
  const missing = ['input_ids', 'encoder_hidden_states', 'use_cache_branch'].filter((name) => !names.has(name));
  if (missing.length > 0 || !inputs.some(isCache))
    throw new ServingError(
      'MODEL_INVALID',
      `the decoder has no input ${missing.join(', ') || 'past_key_values.*'}: export it with its cache, as decoder_model_merged.onnx: optimum-cli export onnx --model <model> --task text2text-generation-with-past <folder>`,
    );
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits?.dtype !== 'float32' || logits.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      `the decoder's output "logits" is ${logits === undefined ? 'missing' : formatSpec(logits)}, expected float32[B,T,V]; export it in another precision`,
    );
};

/** A past of no tokens. Its shape has to agree with the other inputs wherever a dimension's name is shared. */
const emptyPast = (specs: readonly TensorSpec[], given: Tensors): Tensors => {
  const rows = given.input_ids?.shape[0] ?? 0;
  const sizes = new Map<string, number>();
  for (const { name, shape } of specs)
    shape.forEach((size, axis) => {
      if (typeof size === 'string' && given[name] !== undefined) sizes.set(size, given[name].shape[axis] ?? 0);
    });
  return Object.fromEntries(
    specs.filter(isCache).map(({ name, dtype, shape: declared }) => {
      const shape = declared.map((size, axis) => {
        if (axis === 0) return rows;
        return typeof size === 'number' ? size : (sizes.get(size) ?? 0);
      });
      return [name, { dtype, shape, data: allocate(dtype, elementCount(shape)) } as Tensor];
    }),
  );
};

/**
 * Rows `sources` of `tensor`. With `inPlace` rows that stay cost nothing and its memory is used again, unless there
 * would be more rows than before, or a row would be read after it was overwritten.
 */
const gather = (tensor: Tensor, sources: readonly number[], inPlace: boolean): Tensor => {
  const width = elementCount(tensor.shape.slice(1));
  const from = tensor.data as Float32Array;
  const safe = sources.every((source, row) => source >= row || sources[source] === source);
  const reuse = inPlace && safe && sources.length <= (tensor.shape[0] ?? 0);
  const to = reuse ? from : (allocate(tensor.dtype, sources.length * width) as Float32Array);
  sources.forEach((source, row) => {
    if (!reuse || source !== row) to.set(from.subarray(source * width, (source + 1) * width), row * width);
  });
  const shape = [sources.length, ...tensor.shape.slice(1)];
  return { dtype: tensor.dtype, shape, data: to.subarray(0, sources.length * width) } as unknown as Tensor;
};

const isIdentity = (sources: readonly number[], rows: number): boolean =>
  sources.length === rows && sources.every((source, row) => source === row);

const toTokenTensor = (tokens: readonly (readonly number[])[]): Tensor<'int64'> => ({
  dtype: 'int64',
  shape: [tokens.length, tokens[0]?.length ?? 0],
  data: BigInt64Array.from(tokens.flat(), BigInt),
});

/** The last position of logits float32[B,T,V], row by row. */
const lastLogits = ({ shape: [rows = 0, positions = 0, width = 0], data }: Tensor<'float32'>): Float32Array[] =>
  Array.from({ length: rows }, (_, row) => {
    const end = (row + 1) * positions * width;
    return data.subarray(end - width, end);
  });

/**
 * Decodes what `encoded` holds. Keys and values of the encoder are computed in the first step alone, those of the decoder grow with
 * each; what a run returns goes into the next one as it is.
 */
export const createDecoder = (graph: Graph, { hiddenStates, attentionMask }: Encoded): Decoder => {
  const { inputs } = graph.signature;
  const takesMask = inputs.some(({ name }) => name === 'encoder_attention_mask');
  const pastNames = inputs.filter(isCache).map(({ name }) => name);
  const growing = pastNames.filter((name) => !ENCODER_PAST.test(name));

  /** Which input each row is about. */
  let inputOf = Array.from({ length: hiddenStates.shape[0] ?? 0 }, (_, row) => row);
  let context: Record<string, Tensor> = {
    encoder_hidden_states: hiddenStates,
    ...(takesMask && attentionMask !== undefined && { encoder_attention_mask: attentionMask }),
  };
  let past: Record<string, Tensor> | undefined;

  return {
    async step(tokens) {
      const given: Tensors = { ...context, input_ids: toTokenTensor(tokens) };
      const computed = past === undefined ? pastNames : growing;
      const outputs = await graph.run(
        {
          ...given,
          ...(past ?? emptyPast(inputs, given)),
          use_cache_branch: { dtype: 'bool', shape: [1], data: Uint8Array.of(past === undefined ? 0 : 1) },
        },
        ['logits', ...computed.map(toPresent)],
      );
      past = { ...past };
      for (const name of computed) past[name] = outputs[toPresent(name)] as Tensor;
      return lastLogits(outputs.logits as Tensor<'float32'>);
    },

    select(sources) {
      const rows = inputOf.length;
      if (past === undefined || isIdentity(sources, rows)) return;
      // Hypotheses of one input share what the encoder said, so that a row which changes among them alone keeps it.
      const inputSources = sources.map((source, row) => (inputOf[source] === inputOf[row] ? row : source));
      for (const name of growing) past[name] = gather(past[name] as Tensor, sources, true);
      if (!isIdentity(inputSources, rows)) {
        for (const name of pastNames)
          if (!growing.includes(name)) past[name] = gather(past[name] as Tensor, inputSources, true);
        context = Object.fromEntries(
          Object.entries(context).map(([name, tensor]) => [name, gather(tensor, inputSources, false)]), // the caller's
        );
      }
      inputOf = sources.map((source) => inputOf[source] as number);
    },
  };
};
