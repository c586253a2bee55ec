import { MinHeap } from './min-heap.ts';

/** Positions in a word stay below 2²⁶, so that rank and position together are an exact number. */
const MAX_POSITIONS = 2 ** 26;

/** Rules of merging, as functions of positions. A symbol reaches from its position to the position of the next symbol. */
export interface MergeRules {
  /** The rank of the neighbours at `left` and `right`, which end before `end`; undefined for symbols that are not merged. */
  rankOf(left: number, right: number, end: number): number | undefined;
  /** The result of a pair of `rank`: pairs of different ranks may have the same result. */
  resultOf(rank: number): number;
  /** Called for each merge, after which `left` is the result and `right` is gone. */
  onMerge?(left: number, result: number): void;
}

/**
 * Merges neighbours among `count` symbols, the pair of the lowest rank first, of equal ranks the leftmost. The time is
 * O(n log n) in the number of symbols.
 * @returns positions of the symbols that are left
 */
export const mergeNeighbours = (count: number, { rankOf, resultOf, onMerge }: MergeRules): number[] => {
  const next = Int32Array.from({ length: count }, (_, position) => position + 1);
  const previous = Int32Array.from({ length: count }, (_, position) => position - 1);
  const isGone = new Uint8Array(count);
  const queue = new MinHeap(count);
  const rankAt = (left: number): number | undefined => {
    const right = next[left] ?? count;
    return right < count ? rankOf(left, right, next[right] ?? count) : undefined;
  };
  const enqueue = (left: number): void => {
    const rank = rankAt(left);
    if (rank !== undefined) queue.push(rank * MAX_POSITIONS + left);
  };
  for (let position = 0; position + 1 < count; position++) enqueue(position);

  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const left = top % MAX_POSITIONS;
    const rank = isGone[left] ? undefined : rankAt(left);
    if (rank === undefined) continue;
    const result = resultOf(rank);
    if (result !== resultOf((top - left) / MAX_POSITIONS)) continue; // the pair has changed since
    const right = next[left] ?? count;
    const after = next[right] ?? count;
    isGone[right] = 1;
    next[left] = after;
    if (after < count) previous[after] = left;
    onMerge?.(left, result);
    const before = previous[left] ?? -1;
    if (before >= 0) enqueue(before);
    enqueue(left);
  }

  const positions: number[] = [];
  for (let position = 0; position < count; position = next[position] ?? count) positions.push(position);
  return positions;
};
