import * as v from 'valibot';
import { FUNCTION_NAMES } from '../scores.ts';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Default of the parameter `function_to_apply`. */
  functionToApply: v.picklist(FUNCTION_NAMES),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
});

export type TextClassificationSettings = v.InferOutput<typeof settingsSchema>;
