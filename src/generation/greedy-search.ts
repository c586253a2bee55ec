import { assertNumber, type Hypothesis, type Search, type SearchOptions } from './search.ts';

/** The index of the largest score, the first of equal ones. */
export const argMax = (scores: Float32Array): number => {
  let best = 0;
  for (let index = 1; index < scores.length; index += 1)
    if ((scores[index] as number) > (scores[best] as number)) best = index;
  return best;
};

/** Always the likeliest token. */
export const createGreedySearch = ({ promptLength, maxLength, eosTokenIds, processors }: SearchOptions): Search => {
  let generated: readonly number[] = [];
  return {
    advance([hypothesis], [scores]) {
      const { ids, row } = hypothesis as Hypothesis;
      for (const process of processors) process(scores as Float32Array, ids);
      const token = argMax(scores as Float32Array);
      assertNumber(scores?.[token]);
      if (eosTokenIds.includes(token)) return [];
      const longer = [...ids, token];
      generated = longer.slice(promptLength);
      return longer.length < maxLength ? [{ ids: longer, row }] : [];
    },

    result: () => ({ ids: generated }),
  };
};
