import * as v from 'valibot';
import { FUNCTION_NAMES } from '../scores.ts';

export const settingsSchema = v.object({
  /** Label of each class, by index. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
  /** Default of the parameter `function_to_apply`. */
  functionToApply: v.optional(v.picklist(FUNCTION_NAMES)),
  /** In bundles of 0.2 and before, in the place of `functionToApply`: sigmoid or softmax. */
  multiLabel: v.optional(v.boolean()),
  /** `preprocessor_config.json` as the model came with it, or the fields that stand for the preprocessing of timm. */
  preprocessing: v.record(v.string(), v.unknown()),
});

export type ImageClassificationSettings = v.InferOutput<typeof settingsSchema>;
