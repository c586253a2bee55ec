import * as v from 'valibot';
import { FUNCTION_NAMES } from '../scores.ts';
import { settingsSchema as tableSchema } from '../tabular-classification/settings.ts';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Default of the parameter `function_to_apply`. */
  functionToApply: v.picklist(FUNCTION_NAMES),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
  /** For a graph that takes terms in the place of a tokenizer's ids: the table of one column that it is. */
  terms: v.optional(tableSchema),
});

export type TextClassificationSettings = v.InferOutput<typeof settingsSchema>;
