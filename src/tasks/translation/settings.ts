import * as v from 'valibot';
import { SEARCH_SETTINGS } from '../text-to-text-settings.ts';

const tokensSchema = v.record(v.string(), v.string());

const pairSchema = v.object({ prefix: v.string(), generation: v.record(v.string(), v.unknown()) });

/** The way in which a model learns its languages. */
const languagesSchema = v.variant('by', [
  /** A token beside the source text, and a first token of the translation: M2M100, NLLB. */
  v.object({
    by: v.literal('token'),
    /** By language code. */
    tokens: tokensSchema,
    /** Defaults of the parameters `src_lang` and `tgt_lang`. */
    source: v.optional(v.string()),
    target: v.optional(v.string()),
    /** True when the source's token stands behind the text, for the `legacy_behaviour` of NLLB. */
    behind: v.optional(v.boolean(), false),
  }),
  /** A word before the source text that names the target, such as `>>fra<<`: multilingual Marian. */
  v.object({ by: v.literal('marker'), tokens: tokensSchema }),
  /** A sentence before the source text, with generation settings of its own, by `<source>_to_<target>`: `task_specific_params` of T5. */
  v.object({ by: v.literal('prefix'), pairs: v.record(v.string(), pairSchema) }),
]);

export type Languages = v.InferOutput<typeof languagesSchema>;

export const settingsSchema = v.object({
  ...SEARCH_SETTINGS,
  /** Left out by a model of one language pair. */
  languages: v.optional(languagesSchema),
});

export type TranslationSettings = v.InferOutput<typeof settingsSchema>;
