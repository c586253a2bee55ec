import * as v from 'valibot';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** True when an image may have several labels, or the only one: the scores are then independent. */
  multiLabel: v.boolean(),
  /** `preprocessor_config.json` as the model came with it. */
  preprocessing: v.record(v.string(), v.unknown()),
});

export type ImageClassificationSettings = v.InferOutput<typeof settingsSchema>;
