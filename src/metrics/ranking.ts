import { type Scoring, scoreSums } from './scoring.ts';

export interface Ranked {
  /** The items that are right, each once. */
  readonly truth: readonly string[];
  /** The items of the answer, the best first. */
  readonly predicted: readonly string[];
}

/** The share of the right items among the first `k`. */
const recallAt = ({ truth, predicted }: Ranked, k: number): number => {
  const right = new Set(truth);
  return predicted.slice(0, k).filter((item) => right.has(item)).length / right.size;
};

const discount = (rank: number): number => 1 / Math.log2(rank + 2);

/** The normalised discounted cumulative gain of the first `k`, where a right item gains 1: Järvelin and Kekäläinen (2002). */
const ndcgAt = ({ truth, predicted }: Ranked, k: number): number => {
  const right = new Set(truth);
  const gain = predicted.slice(0, k).reduce((sum, item, rank) => sum + (right.has(item) ? discount(rank) : 0), 0);
  let best = 0;
  for (let rank = 0; rank < Math.min(k, right.size); rank += 1) best += discount(rank);
  return gain / best;
};

/** The means over the samples of recall@k and nDCG@k, for each `k` of `cuts`. */
export const scoreRanking = (samples: readonly Ranked[], cuts: readonly number[] = [1, 5, 10]): Scoring =>
  scoreSums(
    samples.map((sample) => [1, ...cuts.flatMap((k) => [recallAt(sample, k), ndcgAt(sample, k)])]),
    ([count = 0, ...sums]) =>
      Object.fromEntries(
        cuts.flatMap((k, index) => [
          [`recall@${k}`, (sums[index * 2] ?? 0) / count],
          [`ndcg@${k}`, (sums[index * 2 + 1] ?? 0) / count],
        ]),
      ),
  );
