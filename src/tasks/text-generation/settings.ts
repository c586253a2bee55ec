import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

export const settingsSchema = v.object({
  /** `generation_config.json` as the model came with it. */
  generation: v.record(v.string(), v.unknown()),
  /** Most tokens of a prompt with its answer; left out by models without such a limit. */
  contextLength: v.optional(count),
  /** Number and size of the heads of a cache, for graphs that leave them open. */
  heads: v.optional(v.object({ heads: count, size: count })),
  /** True for a model with chat templates. */
  chat: v.optional(v.boolean(), false),
  /** Bytes of the caches for one token, found at push. */
  cacheBytesPerToken: v.optional(count),
});

export type TextGenerationSettings = v.InferOutput<typeof settingsSchema>;
