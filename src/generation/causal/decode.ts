import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import { fromHalf } from '../../core/half.ts';
import { type Tensor, type Tensors, tensor } from '../../core/tensor.ts';
import { type Cache, emptyCache, freeCache, joinCache, splitCache } from './cache.ts';
import { DRAFT_INPUTS, type Draft, isDraftInput, ONE_STEP } from './draft.ts';
import type { DecoderLayout, OtherInput } from './layout.ts';

/** Logits that one run of a prompt's part may give, in bytes: most graphs compute those of all positions. */
const MOST_LOGIT_BYTES = 64 * 1024 * 1024;
/** Tokens of one run of a prompt. More take memory and gain no speed. */
const MOST_TOKENS = 512;
const LEAST_TOKENS = 16;

/** A decoder with the cache of a text after some of its tokens. */
export interface Decoded {
  /** The cache of all tokens that were fed, those included that the graph drafted for itself. */
  readonly cache: Cache;
  /** Logits float32[V] of the next token after each step, which the caller may change; at least one. */
  readonly logits: readonly Float32Array[];
  /** The token that the graph drafted after each step, and fed to the next one; empty for graphs that draft none. */
  readonly drafts: readonly number[];
}

const integers = (dtype: 'int64' | 'int32', values: readonly number[]): Tensor =>
  dtype === 'int64'
    ? tensor('int64', [1, values.length], BigInt64Array.from(values, BigInt))
    : tensor('int32', [1, values.length], Int32Array.from(values));

const ones = (dtype: 'int64' | 'int32', length: number): Tensor =>
  dtype === 'int64'
    ? tensor('int64', [1, length], new BigInt64Array(length).fill(1n))
    : tensor('int32', [1, length], new Int32Array(length).fill(1));

const count = (from: number, length: number): number[] => Array.from({ length }, (_, index) => from + index);

/** The value of an input for `length` tokens after `past` others. */
const VALUES: Readonly<Record<OtherInput, (type: 'int64' | 'int32', past: number, length: number) => Tensor>> = {
  attention_mask: (type, past, length) => ones(type, past + length),
  position_ids: (type, past, length) => integers(type, count(past, length)),
  num_logits_to_keep: () => tensor('int64', [], BigInt64Array.of(1n)),
  logits_to_keep: () => tensor('int64', [], BigInt64Array.of(1n)),
  use_cache_branch: (_, past) => tensor('bool', [1], Uint8Array.of(past === 0 ? 0 : 1)),
};

const otherInputs = ({ others, vocabulary }: DecoderLayout, past: number, length: number, draft: Draft): Tensors =>
  Object.fromEntries(
    [...others].map(([name, { dtype, shape }]) => {
      if (isDraftInput(name)) return [name, DRAFT_INPUTS[name](draft, vocabulary ?? 1)];
      const value = VALUES[name](dtype === 'int32' ? 'int32' : 'int64', past, length);
      return [name, shape.length === 1 && value.shape.length === 0 ? { ...value, shape: [1] } : value];
    }),
  );

const HALF_VALUES = new Float32Array(2 ** 16);

/** The numbers of half-precision bits, by a table that is made at the first call. */
const fromHalves = (bits: Uint16Array): Float32Array => {
  if (HALF_VALUES[0x3c00] === 0)
    for (let each = 0; each < HALF_VALUES.length; each += 1) HALF_VALUES[each] = fromHalf(each);
  const numbers = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index += 1) numbers[index] = HALF_VALUES[bits[index] ?? 0] ?? 0;
  return numbers;
};

/** The last position of logits [steps,T,V], for each step. @throws `INFERENCE_FAILED` when there is none */
const lastLogits = (logits: Tensor | undefined): Float32Array[] => {
  const [steps = 0, positions = 0, width = 0] = logits?.shape ?? [];
  const size = positions * width;
  if (size > 0 && steps > 0 && (logits?.dtype === 'float32' || logits?.dtype === 'float16'))
    return Array.from({ length: steps }, (_, step) => {
      const [from, to] = [(step + 1) * size - width, (step + 1) * size];
      return logits.dtype === 'float32' ? logits.data.subarray(from, to) : fromHalves(logits.data.subarray(from, to));
    });
  throw new ServingError('INFERENCE_FAILED', 'the decoder gave no logits');
};

/** Tokens of a prompt that run together. A merged decoder takes many in the branch without a cache alone. */
export const tokensPerRun = ({ vocabulary = 0, isLastOnly, others }: DecoderLayout): number => {
  if (others.has('use_cache_branch')) return Number.POSITIVE_INFINITY;
  if (isLastOnly || vocabulary === 0) return MOST_TOKENS;
  const fitting = Math.floor(MOST_LOGIT_BYTES / (vocabulary * Float32Array.BYTES_PER_ELEMENT));
  return Math.min(MOST_TOKENS, Math.max(LEAST_TOKENS, fitting));
};

/** The tokens of before a run, by their inputs; none for a cache in one part. */
const oldInputs = (layout: DecoderLayout, old: Cache | undefined): Tensors => {
  const { tensors } = old ?? emptyCache(layout);
  return Object.fromEntries(
    layout.caches.flatMap(({ past, old: name }) => {
      const own = tensors[past];
      return name === undefined || own === undefined ? [] : [[name, own] as const];
    }),
  );
};

/** Feeds `ids`, and returns the outputs `logits` and `drafts`, if wanted, and the longer cache: the graph's own tensors, without a copy. */
const runTokens = async (
  graph: Graph,
  layout: DecoderLayout,
  cache: Cache,
  ids: readonly number[],
  draft: Draft | undefined,
): Promise<{ readonly cache: Cache; readonly logits: Tensor | undefined; readonly drafts: readonly number[] }> => {
  const { length, tensors, old } = cache;
  const others = otherInputs(layout, length, ids.length, draft ?? ONE_STEP);
  const wanted = draft === undefined ? [] : layout.takesSteps ? ['logits', 'drafts'] : ['logits'];
  const outputs = await graph.run(
    { input_ids: integers(layout.tokens, ids), ...others, ...tensors, ...oldInputs(layout, old) },
    [...wanted, ...layout.caches.map(({ present }) => present)],
  );
  const longer: Record<string, Tensor> = {};
  for (const { past, present } of layout.caches) {
    const own = outputs[present];
    if (own !== undefined) longer[past] = own;
  }
  const drafts = Array.from(outputs.drafts?.data ?? [], Number);
  const fed = ids.length + Math.max(0, drafts.length - 1);
  return { cache: { length: length + fed, tensors: longer, ...(old && { old }) }, logits: outputs.logits, drafts };
};

/**
 * Feeds at least one token after those of `cache`, a long prompt in several runs. Only the last run gives logits, and may take more steps.
 * @throws `DEADLINE_EXCEEDED` between two runs, `INFERENCE_FAILED`
 */
export const decode = async (
  graph: Graph,
  layout: DecoderLayout,
  cache: Cache,
  ids: readonly number[],
  draft: Draft = ONE_STEP,
): Promise<Decoded> => {
  const size = tokensPerRun(layout);
  let current = ids.length === 1 ? splitCache(cache, layout) : joinCache(cache, layout);
  let start = 0;
  const next = (longer: Cache): void => {
    freeCache(current, [cache, longer]);
    current = longer;
  };
  for (; ids.length - start > size; start += size)
    next((await runTokens(graph, layout, current, ids.slice(start, start + size), undefined)).cache);
  const { cache: longer, logits, drafts } = await runTokens(graph, layout, current, ids.slice(start), draft);
  next(longer);
  return { cache: longer, logits: lastLogits(logits), drafts };
};
