import * as v from 'valibot';
import { columnsSchema } from '../../media/table/table.ts';

/** Kinds of scores. `label`: the graph gives none, or none for each class. */
export const SCORES = ['probabilities', 'margins', 'distances', 'outlier_score', 'label'] as const;

/** Kinds of the graph's own label: a class, the index of a class, or not to be read. */
export const LABELS = ['class', 'index', 'none'] as const;

const namesSchema = v.pipe(v.array(v.string()), v.minLength(1));

const classesSchema = {
  /** Label of each class, in the order of the scores. Left out: `classes`, else the numbers of the classes. */
  labels: v.optional(namesSchema),
  /** Text of the graph's own label for each class, where these are not its labels. */
  classes: v.optional(namesSchema),
};

export const settingsSchema = v.object({
  /** Left out, the graph's inputs name the columns. */
  columns: v.optional(columnsSchema),
  ...classesSchema,
  /** Classes of each target of a model with several; left out, the model has one. */
  targets: v.optional(v.pipe(v.array(v.object(classesSchema)), v.minLength(1))),
  /** Default: probabilities. */
  scores: v.optional(v.picklist(SCORES)),
  /** Default: class. */
  label: v.optional(v.picklist(LABELS)),
  /** A row has any number of labels, each with a score of its own. */
  isMultiLabel: v.optional(v.boolean()),
  /** The two margins stand in the places of each other. */
  isReversed: v.optional(v.boolean()),
});

export type TabularClassificationSettings = v.InferOutput<typeof settingsSchema>;
