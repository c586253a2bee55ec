import * as v from 'valibot';
import { POOL_NAMES } from './pooling.ts';

export const settingsSchema = v.object({
  /** Ways to make one vector from the vectors of tokens; the results of several are joined. Empty for the vectors of tokens themselves. */
  pooling: v.array(v.picklist(POOL_NAMES)),
  /** True when the vector of a text gets length 1. Vectors of tokens get it only on request. */
  normalize: v.boolean(),
  /** True when texts are turned to lower case first. */
  lowerCase: v.boolean(),
  /** Texts that may be put before a text, by their names. */
  prompts: v.optional(v.record(v.string(), v.string())),
  /** The name of the prompt that is put before a text unless a request names another one. */
  defaultPrompt: v.optional(v.string()),
  /** Modules that have to be in the graph, since this task does not run them, such as `Dense`. */
  graphModules: v.array(v.string()),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
});

export type FeatureExtractionSettings = v.InferOutput<typeof settingsSchema>;
