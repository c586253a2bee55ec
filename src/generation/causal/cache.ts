import { allocate, bytesOf, elementBytes, type Tensor, type Tensors, tensor } from '../../core/tensor.ts';
import type { CacheSpec, DecoderLayout } from './layout.ts';

/** A shorter text is copied faster than its parts are handled. */
const LEAST_OLD = 64;
/** Tokens of the newer part from which both become one. Each step copies the newer part, and each joint both. */
const MOST_NEW = 64;

/** Keys and values of the first tokens of a text. Nobody writes into one. */
export interface Cache {
  /** Number of tokens, those of `old` included. */
  readonly length: number;
  /** float32 or float16 [1, heads, tokens, size], by the name of the graph's input: all tokens, or those behind `old`. */
  readonly tensors: Tensors;
  /** The first tokens, in one part. Other caches may share it. */
  readonly old?: Cache;
}

const emptyTensors = ({ caches }: DecoderLayout): Tensors =>
  Object.fromEntries(
    caches.map(({ past, dtype, heads, size }) => [past, tensor(dtype, [1, heads, 0, size], allocate(dtype, 0))]),
  );

export const emptyCache = (layout: DecoderLayout): Cache => ({ length: 0, tensors: emptyTensors(layout) });

const partsOf = ({ tensors, old }: Cache): Tensors[] => (old === undefined ? [tensors] : [old.tensors, tensors]);

/**
 * Gives the memory of a cache back at once: until the next collection of garbage, an answer would hold many of them. Nobody may use it again.
 * Parts of the caches `kept` stay.
 */
export const freeCache = (cache: Cache, kept: readonly Cache[]): void => {
  const others = new Set(kept.flatMap(partsOf));
  for (const part of partsOf(cache))
    if (!others.has(part))
      for (const { data } of Object.values(part))
        if (ArrayBuffer.isView(data) && 'transfer' in data.buffer) data.buffer.transfer(0);
};

/** The first `length` tokens of each head, copied. */
const cutTensor = ({ data }: Tensor, { dtype, heads, size }: CacheSpec, length: number): Tensor => {
  const target = allocate(dtype, heads * length * size);
  if (ArrayBuffer.isView(data)) {
    const [from, to] = [bytesOf(data), bytesOf(target)];
    const headBytes = from.byteLength / heads;
    const keptBytes = length * size * elementBytes(dtype);
    for (let head = 0; head < heads; head += 1)
      to.set(from.subarray(head * headBytes, head * headBytes + keptBytes), head * keptBytes);
  }
  return tensor(dtype, [1, heads, length, size], target);
};

/** Both tensors in one, head by head. */
const joinTensors = (first: Tensor, second: Tensor, { dtype, heads, size }: CacheSpec): Tensor => {
  const target = allocate(dtype, first.data.length + second.data.length);
  const to = bytesOf(target);
  const [chunks, others] = [first, second].map(({ data }) => (ArrayBuffer.isView(data) ? bytesOf(data) : to));
  let at = 0;
  for (let head = 0; head < heads; head += 1)
    for (const bytes of [chunks ?? to, others ?? to]) {
      const each = bytes.byteLength / heads;
      to.set(bytes.subarray(head * each, (head + 1) * each), at);
      at += each;
    }
  return tensor(dtype, [1, heads, target.length / (heads * size), size], target);
};

/** `cache` in one part; a copy where it has two. */
export const joinCache = (cache: Cache, { caches }: DecoderLayout): Cache => {
  const { length, tensors, old } = cache;
  if (old === undefined) return cache;
  const entries = caches.flatMap((spec) => {
    const [first, second] = [old.tensors[spec.past], tensors[spec.past]];
    return first === undefined || second === undefined ? [] : [[spec.past, joinTensors(first, second, spec)] as const];
  });
  return { length, tensors: Object.fromEntries(entries) };
};

/** `cache` for steps of one token, where the graph takes it in two parts: its tokens become the old part, unless the newer one is short. */
export const splitCache = (cache: Cache, layout: DecoderLayout): Cache => {
  const { length, old } = cache;
  if (!layout.takesParts || length < LEAST_OLD) return joinCache(cache, layout);
  if (old !== undefined && length - old.length < MOST_NEW) return cache;
  return { length, tensors: emptyTensors(layout), old: joinCache(cache, layout) };
};

/** The cache of the first `length` tokens; the same one where it has no more. */
export const cutCache = (cache: Cache, layout: DecoderLayout, length: number): Cache => {
  const { old, tensors } = cache;
  if (length >= cache.length) return cache;
  if (old !== undefined && length <= old.length) return cutCache(old, layout, length);
  const own = length - (old?.length ?? 0);
  const entries = layout.caches.flatMap((spec) => {
    const part = tensors[spec.past];
    return part === undefined ? [] : [[spec.past, cutTensor(part, spec, own)] as const];
  });
  return { length, tensors: Object.fromEntries(entries), ...(old && { old }) };
};
