import { ServingError } from '../core/errors.ts';

/**
 * The indices of the `count` highest scores, highest first, without sorting the rest; equal scores keep their order.
 * A binary heap holds the best so far with the worst of them on top, so that most scores cost one comparison: O(n + c·log count),
 * where c is how often a score is among the best so far. `-Infinity` is a graph's way to rule an item out.
 *
 * @throws `INFERENCE_FAILED` for NaN and +Infinity, which are no ranks
 */
export const topIndices = (
  scores: Float32Array | Float64Array,
  count: number,
  excluded: ReadonlySet<number> = new Set(),
): number[] => {
  const heap: number[] = [];
  const at = (index: number): number => scores[index] as number;
  const isWorse = (a: number, b: number): boolean => at(a) < at(b) || (at(a) === at(b) && a > b);

  const siftUp = (start: number): void => {
    const moved = heap[start] as number;
    let position = start;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (!isWorse(moved, heap[parent] as number)) break;
      heap[position] = heap[parent] as number;
      position = parent;
    }
    heap[position] = moved;
  };

  const replaceTop = (index: number): void => {
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isWorse(heap[child + 1] as number, heap[child] as number)) child += 1;
      if (!isWorse(heap[child] as number, index)) break;
      heap[position] = heap[child] as number;
      position = child;
    }
    heap[position] = index;
  };

  let bar = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] as number;
    if (score > bar) {
      if (score === Number.POSITIVE_INFINITY)
        throw new ServingError('INFERENCE_FAILED', `the score at ${index} is Infinity`);
      if (excluded.has(index)) continue;
      if (heap.length < count) {
        heap.push(index);
        siftUp(heap.length - 1);
      } else replaceTop(index);
      if (heap.length === count) bar = at(heap[0] as number);
    } else if (Number.isNaN(score)) throw new ServingError('INFERENCE_FAILED', `the score at ${index} is not a number`);
  }
  return heap.sort((a, b) => (isWorse(a, b) ? 1 : -1));
};
