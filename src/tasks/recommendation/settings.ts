import * as v from 'valibot';

export const settingsSchema = v.object({
  /** True when the bundle has a `users.jsonl`. */
  hasUsers: v.boolean(),
});

export type RecommendationSettings = v.InferOutput<typeof settingsSchema>;

/** Files of the version with the catalogue and its users. */
export const ITEMS_FILE = 'items.jsonl';
export const USERS_FILE = 'users.jsonl';
