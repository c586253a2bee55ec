import { ServingError } from '../../core/errors.ts';
import { type DType, elementBytes, formatSpec, type Signature, type TensorSpec } from '../../core/tensor.ts';
import { type DraftInput, isDraftInput } from './draft.ts';

/** Precisions of a cache, and of logits. */
const FRACTIONS = ['float32', 'float16'] as const;
type Fraction = (typeof FRACTIONS)[number];

/** Keys or values of one layer: a tensor [1, heads, tokens, size]. */
export interface CacheSpec {
  /** Name of the graph's input. */
  readonly past: string;
  /** Name of the input for the tokens before those of `past`, if the graph takes a cache in two parts. */
  readonly old?: string;
  /** Name of the output that holds the same with the newest tokens. */
  readonly present: string;
  readonly dtype: Fraction;
  readonly heads: number;
  /** Numbers of a head. */
  readonly size: number;
}

/** The inputs and outputs of a decoder that continues a text. */
export interface DecoderLayout {
  readonly caches: readonly CacheSpec[];
  readonly tokens: 'int64' | 'int32';
  /** Inputs beside tokens and caches, each with its data type. */
  readonly others: ReadonlyMap<OtherInput | DraftInput, TensorSpec>;
  /** Number of logits of a position. */
  readonly vocabulary: number | undefined;
  /** Bytes of all caches for one token. */
  readonly bytesPerToken: number;
  /** Tells that the graph gives logits of the last position alone. */
  readonly isLastOnly: boolean;
  /** Tells that a run may take several steps, whose tokens the graph drafts. */
  readonly takesSteps: boolean;
  /** Tells that the cache of the tokens of before a run may stand beside that of the run. */
  readonly takesParts: boolean;
}

/** Sizes that a graph leaves open, from the settings of its model. */
export interface HeadSizes {
  readonly heads: number;
  readonly size: number;
}

const PAST = /^past_key_values\.\d+\.(key|value)$/;
const OLD = /^old_key_values\.\d+\.(key|value)$/;

/** The input for the tokens before those of the input `past`. `src/authoring/decoding-loop.ts` makes graphs with it. */
export const oldOf = (past: string): string => past.replace('past_key_values.', 'old_key_values.');

/** Inputs that a decoder may have beside tokens and caches. */
const OTHER_INPUTS = [
  'attention_mask',
  'position_ids',
  'num_logits_to_keep',
  'logits_to_keep',
  'use_cache_branch',
] as const;
export type OtherInput = (typeof OTHER_INPUTS)[number];

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', problem);
};

const isOther = (name: string): name is OtherInput | DraftInput =>
  OTHER_INPUTS.some((other) => other === name) || isDraftInput(name);
const isFraction = (dtype: DType): dtype is Fraction => FRACTIONS.some((fraction) => fraction === dtype);

const EXPORT = 'optimum-cli export onnx --model <model> --task text-generation-with-past <folder>';

const toCache = (
  { name, dtype, shape }: TensorSpec,
  { inputs, outputs }: Signature,
  open: HeadSizes | undefined,
): CacheSpec => {
  const present = name.replace('past_key_values.', 'present.');
  const [, heads = '', , size = ''] = shape;
  const sizeOf = (dimension: number | string, fallback: number | undefined): number => {
    if (typeof dimension === 'number') return dimension;
    return (
      fallback ??
      refuse(
        `the decoder's input "${name}" is ${formatSpec({ dtype, shape })}, and neither config.json nor genai_config.json ` +
          'gives the number and size of its heads',
      )
    );
  };
  if (shape.length !== 4 || !isFraction(dtype))
    return refuse(
      `the decoder's input "${name}" is ${formatSpec({ dtype, shape })}; served are caches float32 or float16 [N,heads,tokens,size]`,
    );
  if (!outputs.some((output) => output.name === present))
    return refuse(`the decoder takes "${name}" and does not give "${present}" back; export it again, as ${EXPORT}`);
  const old = inputs.find((input) => input.name === oldOf(name))?.name;
  return {
    ...{ past: name, ...(old !== undefined && { old }), present, dtype },
    ...{ heads: sizeOf(heads, open?.heads), size: sizeOf(size, open?.size) },
  };
};

const assertInput = ({ name, dtype, shape }: TensorSpec): void => {
  if (isOther(name) || name === 'input_ids' || PAST.test(name) || OLD.test(name)) return;
  const what = /^past|cache|state|conv|ssm/i.test(name)
    ? 'a state of another kind than keys and values of attention, which is not served (state-space and convolution models keep such states)'
    : `which is not served; a text generator takes input_ids, past_key_values.*, and perhaps ${OTHER_INPUTS.join(', ')}`;
  refuse(`the decoder takes "${name}" ${formatSpec({ dtype, shape })}, ${what}`);
};

/**
 * Reads how a decoder takes tokens and its cache, as Optimum, transformers.js and onnxruntime-genai write it.
 * @throws `MODEL_INVALID` for a graph without a cache, with one of another kind, or with inputs that are not known
 */
export const readLayout = (signature: Signature, open?: HeadSizes): DecoderLayout => {
  const { inputs, outputs } = signature;
  for (const input of inputs) assertInput(input);
  const ids = inputs.find(({ name }) => name === 'input_ids');
  if (ids === undefined || (ids.dtype !== 'int64' && ids.dtype !== 'int32') || ids.shape.length !== 2)
    return refuse(
      `the decoder's input "input_ids" is ${ids === undefined ? 'missing' : formatSpec(ids)}, expected int64[N,tokens]`,
    );
  const caches = inputs.filter(({ name }) => PAST.test(name)).map((spec) => toCache(spec, signature, open));
  if (caches.length === 0)
    return refuse(`the decoder has no input past_key_values.*, its cache: export it again, as ${EXPORT}`);
  const logits = outputs.find(({ name }) => name === 'logits');
  if (logits === undefined || !isFraction(logits.dtype) || logits.shape.length !== 3)
    return refuse(
      `the decoder's output "logits" is ${logits === undefined ? 'missing' : formatSpec(logits)}, expected float32[N,tokens,vocabulary]`,
    );
  const others = new Map(inputs.flatMap((spec) => (isOther(spec.name) ? [[spec.name, spec] as const] : [])));
  const [, positions, vocabulary] = logits.shape;
  return {
    caches,
    tokens: ids.dtype,
    others,
    vocabulary: typeof vocabulary === 'number' ? vocabulary : undefined,
    bytesPerToken: caches.reduce((sum, { dtype, heads, size }) => sum + heads * size * elementBytes(dtype), 0),
    isLastOnly: positions === 1 || others.has('num_logits_to_keep') || others.has('logits_to_keep'),
    takesSteps: others.has('steps'),
    takesParts: caches.every(({ old }) => old !== undefined),
  };
};
