import * as v from 'valibot';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Most tokens that the model takes; the limit of the tokenizer may be lower. */
  maxLength: v.optional(v.number()),
});

export type TokenClassificationSettings = v.InferOutput<typeof settingsSchema>;
