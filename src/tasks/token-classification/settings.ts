import * as v from 'valibot';
import { FUNCTION_NAMES } from '../scores.ts';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** From outputs to scores; left out in bundles of 0.2 and before: softmax. */
  functionToApply: v.optional(v.picklist(FUNCTION_NAMES), 'softmax'),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
});

export type TokenClassificationSettings = v.InferOutput<typeof settingsSchema>;
