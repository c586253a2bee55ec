import * as v from 'valibot';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** `preprocessor_config.json` as the model came with it. */
  preprocessing: v.record(v.string(), v.unknown()),
});

export type ObjectDetectionSettings = v.InferOutput<typeof settingsSchema>;
