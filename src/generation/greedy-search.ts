import { assertNumber, type Hypothesis, type Search, type SearchOptions } from './search.ts';

/** The index of the largest score, the first of equal ones. */
export const argMax = (scores: Float32Array): number => {
  let best = 0;
  let largest = scores[0] ?? 0;
  for (let index = 1; index < scores.length; index += 1) {
    const score = scores[index] ?? 0;
    if (score > largest) {
      best = index;
      largest = score;
    }
  }
  return best;
};

/** Chooses the likeliest token at each step. */
export const createGreedySearch = ({ promptLength, maxLength, eosTokenIds, processors }: SearchOptions): Search => {
  let generated: readonly number[] = [];
  return {
    advance: (hypotheses) =>
      hypotheses.flatMap(({ ids, row, logits }): Hypothesis[] => {
        for (const process of processors) process(logits, ids);
        const token = argMax(logits);
        assertNumber(logits[token]);
        if (eosTokenIds.includes(token)) return [];
        const longer = [...ids, token];
        generated = longer.slice(promptLength);
        return longer.length < maxLength ? [{ ids: longer, row }] : [];
      }),

    settled: () => generated,

    result: () => ({ ids: generated }),
  };
};
