import * as v from 'valibot';
import { tokensSchema } from '../../media/text/words.ts';

/** Functions from logits to scores, by the names of the Hugging Face pipeline. */
export const FUNCTION_NAMES = ['softmax', 'sigmoid', 'none'] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Default of the parameter `function_to_apply`. */
  functionToApply: v.picklist(FUNCTION_NAMES),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
  /** For a graph that takes terms in the place of a tokenizer's ids: the way to them, by input. */
  tokens: v.optional(tokensSchema),
});

export type TextClassificationSettings = v.InferOutput<typeof settingsSchema>;
