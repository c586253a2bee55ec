import { argMax } from '../core/arg-max.ts';
import { assertNumber, type Hypothesis, type Search, type SearchOptions } from './search.ts';

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
