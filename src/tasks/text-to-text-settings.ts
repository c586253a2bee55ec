import * as v from 'valibot';

/** Settings of every task that makes texts of texts. */
export const SEARCH_SETTINGS = {
  /** `generation_config.json` as the model came with it. */
  generation: v.record(v.string(), v.unknown()),
  /** Positions of the model for tokens, in a text and in its answer; left out by models of relative positions. */
  maxLength: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2))),
};
