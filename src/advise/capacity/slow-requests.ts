/** Environments of which more are not tried. */
const MOST_KEPT = 500;
/** Numbers up to this one are all tried, and of larger ones each that is a quarter more than the last. */
const EACH_UP_TO = 12;
const GROWTH = 1.25;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const interpolate = (below: readonly number[], above: readonly number[], share: number): number[] =>
  below.map((value, slot) => value + ((above[slot] ?? 0) - value) * share);

/**
 * The slow requests of each slot by the number of environments that are kept at all times, from none on. The last number is the first one
 * with no more than `allowed` slow requests. Numbers between those that were tried are interpolated; the last one is exact.
 * @param slowWith simulates the requests with so many environments: the slow ones of each slot
 */
export const slowByKept = (slowWith: (kept: number) => readonly number[], allowed: number): readonly number[][] => {
  const tried = new Map<number, readonly number[]>();
  const tryNumber = (kept: number): boolean => {
    const slow = slowWith(kept);
    tried.set(kept, slow);
    return sum(slow) <= allowed;
  };
  let [tooFew, enough] = [-1, 0];
  while (!tryNumber(enough) && enough < MOST_KEPT) {
    tooFew = enough;
    enough = Math.min(MOST_KEPT, enough < EACH_UP_TO ? enough + 1 : Math.ceil(enough * GROWTH));
  }
  while (enough - tooFew > 1) {
    const middle = (tooFew + enough) >> 1;
    if (tryNumber(middle)) enough = middle;
    else tooFew = middle;
  }
  const known = [...tried].filter(([kept]) => kept <= enough).sort(([a], [b]) => a - b);
  return known.flatMap(([kept, slow], index) => {
    const [before, slowBefore] = known[index - 1] ?? [kept - 1, slow];
    return Array.from({ length: kept - before }, (_, step) =>
      interpolate(slowBefore, slow, (step + 1) / (kept - before)),
    );
  });
};
