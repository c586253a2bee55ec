/** What a measurement gave over the rounds of one run. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new RangeError('there is no median of nothing');
  return (low + high) / 2;
};

export const toFigure = (values: readonly number[]): Figure => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** `values[i] / floors[i]`: both were measured in round i. */
export const toRatio = (values: readonly number[], floors: readonly number[]): Figure =>
  toFigure(values.map((value, round) => value / (floors[round] as number)));

/** Milliseconds that `work` takes. */
export const timeMs = async (work: () => unknown): Promise<number> => {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
};

export interface Turns {
  readonly rounds: number;
  /** Measurements that make up a round, of which the median counts. */
  readonly repeats?: number;
}

/**
 * Measures contenders in turn, so that whatever slows the machine down slows them all; a first turn does not count.
 * Each of `contenders` returns what it measured. Returns a value per round for each.
 */
export const measureInTurn = async <Name extends string>(
  { rounds, repeats = 1 }: Turns,
  contenders: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> => {
  const names = Object.keys(contenders) as Name[];
  const byRound = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (const name of names) await contenders[name]();
  for (let round = 0; round < rounds; round += 1) {
    const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      // Each follows every other one equally often: what one leaves behind (garbage, caches) is not always paid by the same.
      const order = (round + repeat) % 2 === 0 ? names : names.toReversed();
      for (const name of order) values[name].push(await contenders[name]());
    }
    for (const name of names) byRound[name].push(median(values[name]));
  }
  return byRound;
};
