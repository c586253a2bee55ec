import { isAnonymous } from '../core/blank.ts';
import { element } from '../core/element.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import {
  allocate,
  bytesOf,
  elementCount,
  formatSpec,
  mapTensors,
  type Signature,
  sliceData,
  type Tensor,
  type TensorSpec,
  type Tensors,
  tensor,
  tensorOf,
} from '../core/tensor.ts';

/** Output of an encoder for B inputs. */
export interface Encoded {
  /** float32[B,S,D] */
  readonly hiddenStates: Tensor;
  /** int64[B,S]; missing for decoders without this input, as in speech. */
  readonly attentionMask?: Tensor;
}

/** A merged decoder with the key–value cache of its rows. At first there is one row for each input. */
export interface Decoder {
  /**
   * Feeds every row its next tokens, the same number to all rows.
   * @returns for each row the logits float32[V] of the next token, which the caller may change
   * @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED`
   */
  step(tokens: readonly (readonly number[])[]): Promise<Float32Array[]>;
  /** Continues row `sources[i]` in row i; rows may be repeated and left out. */
  select(sources: readonly number[]): void;
}

const PAST = /^past_key_values\./;
const ENCODER_PAST = /\.encoder\.(key|value)$/;

const isCache = ({ name }: TensorSpec): boolean => PAST.test(name);
const toPresent = (past: string): string => past.replace(PAST, 'present.');

const EXPORT =
  'decoder_model_merged.onnx: optimum-cli export onnx --model <model> --task text2text-generation-with-past <folder>';

/** @throws `MODEL_INVALID` for a graph that is no merged decoder as Optimum exports it */
export const assertMergedDecoder = ({ inputs, outputs }: Signature): void => {
  const names = new Set(inputs.map(({ name }) => name));
  const missing = ['input_ids', 'encoder_hidden_states', 'use_cache_branch'].filter((name) => !names.has(name));
  if (missing.length > 0 || !inputs.some(isCache))
    throw new ServingError(
      'MODEL_INVALID',
      `the decoder has no input ${missing.join(', ') || 'past_key_values.*'}: export it with its cache, as ${EXPORT}`,
    );
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits?.dtype !== 'float32' || logits.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      `the decoder's output "logits" is ${logits === undefined ? 'missing' : formatSpec(logits)}, expected float32[B,T,V]; export it in another precision`,
    );
};

/** A cache of no tokens. Dimensions that share their name with a given input have its size. */
const emptyPast = (specs: readonly TensorSpec[], given: Tensors): Tensors => {
  const rows = given.input_ids?.shape[0] ?? 0;
  const sizes = new Map<string, number>();
  for (const { name, shape } of specs)
    shape.forEach((size, axis) => {
      if (typeof size === 'string' && !isAnonymous(size) && given[name] !== undefined)
        sizes.set(size, given[name].shape[axis] ?? 0);
    });
  return Object.fromEntries(
    specs.filter(isCache).map(({ name, dtype, shape: declared }) => {
      const shape = declared.map((size, axis) => {
        if (axis === 0) return rows;
        return typeof size === 'number' ? size : (sizes.get(size) ?? 0);
      });
      return [name, tensor(dtype, shape, allocate(dtype, elementCount(shape)))];
    }),
  );
};

/**
 * Rows `sources` of a numeric tensor. With `inPlace` its memory is used again, and rows that stay are not copied. This is not possible if
 * there are more rows than before, or a row would be read after it was overwritten.
 */
const gather = ({ dtype, shape, data }: Tensor, sources: readonly number[], inPlace: boolean): Tensor => {
  const rowShape = shape.slice(1);
  const length = sources.length * elementCount(rowShape);
  const safe = sources.every((source, row) => source >= row || sources[source] === source);
  const reuse = inPlace && safe && sources.length <= (shape[0] ?? 0);
  const target = reuse ? data : allocate(dtype, length);
  if (ArrayBuffer.isView(data) && ArrayBuffer.isView(target)) {
    const [from, to] = [bytesOf(data), bytesOf(target)];
    const rowBytes = elementCount(rowShape) * data.BYTES_PER_ELEMENT;
    sources.forEach((source, row) => {
      if (!reuse || source !== row) to.set(from.subarray(source * rowBytes, (source + 1) * rowBytes), row * rowBytes);
    });
  }
  return tensor(dtype, [sources.length, ...rowShape], sliceData(target, 0, length));
};

const isIdentity = (sources: readonly number[], rows: number): boolean =>
  sources.length === rows && sources.every((source, row) => source === row);

const toTokenTensor = (tokens: readonly (readonly number[])[]): Tensor<'int64'> =>
  tensor('int64', [tokens.length, tokens[0]?.length ?? 0], BigInt64Array.from(tokens.flat(), BigInt));

/** The last position of logits float32[B,T,V], row by row. */
const lastLogits = ({ shape: [rows = 0, positions = 0, width = 0], data }: Tensor<'float32'>): Float32Array[] =>
  Array.from({ length: rows }, (_, row) => {
    const end = (row + 1) * positions * width;
    return data.subarray(end - width, end);
  });

/**
 * Creates a decoder of `encoded`. The first step alone computes keys and values of the encoder; those of the decoder grow with each
 * step. Each run gets the tensors that the previous one returned, without a copy.
 */
export const createDecoder = (graph: Graph, { hiddenStates, attentionMask }: Encoded): Decoder => {
  const { inputs } = graph.signature;
  const takesMask = inputs.some(({ name }) => name === 'encoder_attention_mask');
  const caches = inputs.filter(isCache).map(({ name }) => ({ name, present: toPresent(name) }));
  const growing = caches.filter(({ name }) => !ENCODER_PAST.test(name));
  const outputNames = (computed: typeof caches): string[] => ['logits', ...computed.map(({ present }) => present)];
  const first = { computed: caches, outputs: outputNames(caches), flag: tensor('bool', [1], Uint8Array.of(0)) };
  const later = { computed: growing, outputs: outputNames(growing), flag: tensor('bool', [1], Uint8Array.of(1)) };

  /** Input of each row. */
  let inputOf = Array.from({ length: hiddenStates.shape[0] ?? 0 }, (_, row) => row);
  let context: Tensors = {
    encoder_hidden_states: hiddenStates,
    ...(takesMask && attentionMask !== undefined && { encoder_attention_mask: attentionMask }),
  };
  let past: Tensors | undefined;

  return {
    async step(tokens) {
      const given: Tensors = { ...context, input_ids: toTokenTensor(tokens) };
      const { computed, outputs: names, flag } = past === undefined ? first : later;
      const outputs = await graph.run(
        { ...given, ...(past ?? emptyPast(inputs, given)), use_cache_branch: flag },
        names,
      );
      const next: Record<string, Tensor> = { ...past };
      for (const { name, present } of computed) {
        const cached = outputs[present];
        if (cached !== undefined) next[name] = cached;
      }
      past = next;
      return lastLogits(tensorOf(outputs, 'logits', 'float32'));
    },

    select(sources) {
      const rows = inputOf.length;
      if (past === undefined || isIdentity(sources, rows)) return;
      // Rows of one input share the encoder's keys and values: a row that changes among them keeps its own.
      const inputSources = sources.map((source, row) => (inputOf[source] === inputOf[row] ? row : source));
      const isSameInputs = isIdentity(inputSources, rows);
      past = mapTensors(past, (cached, name) => {
        if (!ENCODER_PAST.test(name)) return gather(cached, sources, true);
        return isSameInputs ? cached : gather(cached, inputSources, true);
      });
      if (!isSameInputs) context = mapTensors(context, (given) => gather(given, inputSources, false)); // the caller's
      inputOf = sources.map((source) => element(inputOf, source));
    },
  };
};
