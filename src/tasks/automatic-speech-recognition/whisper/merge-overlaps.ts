/** Ranges of equal length of two sequences that lie over each other. */
interface Overlap {
  readonly left: readonly [start: number, stop: number];
  readonly right: readonly [start: number, stop: number];
}

/** Favours long matches among equally good ones. */
const EPSILON = 1 / 10_000;

/** Slides `right` over the end of `left`, from one token to all of them, and finds the place with the largest share of equal tokens. */
const bestOverlap = (left: readonly number[], right: readonly number[]): Overlap => {
  let best: Overlap = { left: [left.length, left.length], right: [0, 0] };
  let bestMatching = 0;
  for (let shift = 1; shift < left.length + right.length; shift += 1) {
    const leftStart = Math.max(0, left.length - shift);
    const leftStop = Math.min(left.length, left.length + right.length - shift);
    const rightStart = Math.max(0, shift - left.length);
    let matches = 0;
    for (let offset = 0; leftStart + offset < leftStop; offset += 1)
      if (left[leftStart + offset] === right[rightStart + offset]) matches += 1;
    const matching = matches / shift + shift * EPSILON;
    if (matches > 1 && matching > bestMatching) {
      bestMatching = matching;
      best = { left: [leftStart, leftStop], right: [rightStart, Math.min(right.length, shift)] };
    }
  }
  return best;
};

const middle = ([start, stop]: readonly [number, number]): number => Math.floor((start + stop) / 2);

/**
 * Joins the tokens of overlapping windows. Two neighbours are cut in the middle of their common tokens, since a window decodes its beginning
 * worse than its middle, and likewise its end.
 * (`_find_longest_common_sequence` of transformers 4.57, for Whisper)
 *
 * @param sequences at least one; the time grows with the product of the lengths of two neighbours
 */
export const mergeOverlaps = ([first = [], ...others]: readonly (readonly number[])[]): number[] => {
  const merged: number[] = [];
  let left = first;
  for (const right of others) {
    const overlap = bestOverlap(left, right);
    merged.push(...left.slice(0, middle(overlap.left)));
    left = right.slice(middle(overlap.right));
  }
  return [...merged, ...left];
};
