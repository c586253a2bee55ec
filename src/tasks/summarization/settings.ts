import * as v from 'valibot';
import { SEARCH_SETTINGS } from '../text-to-text-settings.ts';

export const settingsSchema = v.object({
  ...SEARCH_SETTINGS,
  /** Put before each text, such as `summarize: ` of T5. */
  prefix: v.optional(v.string(), ''),
});

export type SummarizationSettings = v.InferOutput<typeof settingsSchema>;
