import * as v from 'valibot';
import { columnsSchema } from '../../media/table/table.ts';

export const settingsSchema = v.object({
  /** Left out, the graph's inputs name the columns. */
  columns: v.optional(columnsSchema),
  /** Label of each class, in the order of the scores. */
  labels: v.pipe(v.array(v.string()), v.minLength(1)),
});

export type TabularClassificationSettings = v.InferOutput<typeof settingsSchema>;
