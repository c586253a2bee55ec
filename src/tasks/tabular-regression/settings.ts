import * as v from 'valibot';
import { columnsSchema } from '../../media/table/table.ts';

export const settingsSchema = v.object({
  /** Left out, the graph's inputs name the columns. */
  columns: v.optional(columnsSchema),
});

export type TabularRegressionSettings = v.InferOutput<typeof settingsSchema>;
