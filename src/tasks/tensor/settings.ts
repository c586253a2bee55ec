import * as v from 'valibot';

/** Tensors need no settings. */
export const settingsSchema = v.object({});

export type TensorSettings = v.InferOutput<typeof settingsSchema>;
