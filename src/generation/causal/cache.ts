import { allocate, bytesOf, elementBytes, type Tensor, type Tensors, tensor } from '../../core/tensor.ts';
import type { CacheSpec, DecoderLayout } from './layout.ts';

/** Keys and values of the first tokens of a text. Nobody writes into one. */
export interface Cache {
  /** Number of tokens. */
  readonly length: number;
  /** float32 or float16 [1, heads, length, size], by the name of the graph's input. */
  readonly tensors: Tensors;
}

export const emptyCache = ({ caches }: DecoderLayout): Cache => ({
  length: 0,
  tensors: Object.fromEntries(
    caches.map(({ past, dtype, heads, size }) => [past, tensor(dtype, [1, heads, 0, size], allocate(dtype, 0))]),
  ),
});

/** Gives the memory of a cache back at once: until the next collection of garbage, an answer would hold many of them. Nobody may use it again. */
export const freeCache = ({ tensors }: Cache): void => {
  for (const { data } of Object.values(tensors))
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

/** The cache of the first `length` tokens; the same one where it has no more. */
export const cutCache = (cache: Cache, { caches }: DecoderLayout, length: number): Cache => {
  if (length >= cache.length) return cache;
  const entries = caches.flatMap((spec) => {
    const own = cache.tensors[spec.past];
    return own === undefined ? [] : [[spec.past, cutTensor(own, spec, length)] as const];
  });
  return { length, tensors: Object.fromEntries(entries) };
};
