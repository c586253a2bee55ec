import { ServingError } from '../core/errors.ts';

export type Scores = ArrayLike<number>;

/** The score at a valid index. */
export const scoreAt = (scores: Scores, index: number): number => scores[index] as number;

/** Compares two indices by their scores; equal scores by the indices themselves. */
type IsWorse = (a: number, b: number) => boolean;

/** Moves the last of `size` indices in a heap towards the top, down to the first parent that is no better. */
const siftUp = (heap: Int32Array, size: number, isWorse: IsWorse): void => {
  let position = size - 1;
  const moved = heap[position] ?? 0;
  while (position > 0) {
    const parent = (position - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (!isWorse(moved, above)) break;
    heap[position] = above;
    position = parent;
  }
  heap[position] = moved;
};

/** Replaces the top of a full heap, its worst index, and restores the order. */
const replaceTop = (heap: Int32Array, index: number, isWorse: IsWorse): void => {
  let position = 0;
  for (;;) {
    let child = 2 * position + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isWorse(heap[child + 1] ?? 0, heap[child] ?? 0)) child += 1;
    const below = heap[child] ?? 0;
    if (!isWorse(below, index)) break;
    heap[position] = below;
    position = child;
  }
  heap[position] = index;
};

/** Scores that are all wanted, and so few that a heap would cost more than it saves. */
const SMALL = 32;

const noRank = (index: number, score: number): ServingError =>
  new ServingError('INFERENCE_FAILED', `the score at ${index} is ${Number.isNaN(score) ? 'not a number' : 'Infinity'}`);

/** The indices of all scores, highest first, but those of `-Infinity`. */
const sortedIndices = (scores: Scores): number[] => {
  const sorted: number[] = [];
  for (let index = 0; index < scores.length; index += 1) {
    const score = scoreAt(scores, index);
    if (Number.isNaN(score) || score === Number.POSITIVE_INFINITY) throw noRank(index, score);
    if (score === Number.NEGATIVE_INFINITY) continue;
    let place = sorted.length;
    while (place > 0 && scoreAt(scores, sorted[place - 1] ?? 0) < score) {
      sorted[place] = sorted[place - 1] ?? 0;
      place -= 1;
    }
    sorted[place] = index;
  }
  return sorted;
};

/**
 * The indices of the `count` highest scores, highest first, without sorting the rest; equal scores keep their order.
 * A binary heap holds the best so far, with the worst of them on top. Most scores cost one comparison: O(n + c·log count), where c is
 * the number of scores that were among the best so far. `-Infinity` rules an item out.
 *
 * @throws `INFERENCE_FAILED` for NaN and +Infinity, which have no rank
 */
export const topIndices = (scores: Scores, count: number, excluded: ReadonlySet<number> = new Set()): number[] => {
  const { length } = scores;
  if (length <= SMALL && length <= count && excluded.size === 0) return sortedIndices(scores);
  const capacity = Math.min(count, length);
  const heap = new Int32Array(capacity);
  let size = 0;
  const isWorse: IsWorse = (a, b) => {
    const first = scoreAt(scores, a);
    const second = scoreAt(scores, b);
    return first < second || (first === second && a > b);
  };

  let bar = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < length; index += 1) {
    const score = scoreAt(scores, index);
    if (score > bar) {
      if (score === Number.POSITIVE_INFINITY) throw noRank(index, score);
      if (excluded.has(index)) continue;
      if (size < capacity) {
        heap[size] = index;
        size += 1;
        siftUp(heap, size, isWorse);
      } else replaceTop(heap, index, isWorse);
      if (size === capacity) bar = scoreAt(scores, heap[0] ?? 0);
    } else if (Number.isNaN(score)) throw noRank(index, score);
  }
  const best: number[] = [];
  for (let place = 0; place < size; place += 1) best.push(heap[place] ?? 0);
  return best.sort((a, b) => (isWorse(a, b) ? 1 : -1));
};
