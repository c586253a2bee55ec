import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { classification, severalLabels } from './classification.ts';
import { entities } from './entities.ts';
import { items } from './items.ts';
import type { Judge } from './judge.ts';
import { rating, regression } from './numbers.ts';
import { objects } from './objects.ts';
import { generatedTexts, summaries, transcripts, translations } from './texts.ts';
import { vectors } from './vectors.ts';

const JUDGES: Readonly<Record<string, Judge>> = {
  'image-classification': classification,
  'text-classification': classification,
  'tabular-classification': classification,
  'tabular-regression': regression,
  'token-classification': entities,
  'object-detection': objects,
  'automatic-speech-recognition': transcripts,
  translation: translations,
  summarization: summaries,
  'text-generation': generatedTexts,
  recommendation: items,
  'feature-extraction': vectors,
};

/** Settings of a text classifier whose only score is a number of any size. */
const ratingSchema = v.object({ functionToApply: v.literal('none'), labels: v.tuple([v.string()]) });

/** Settings of a classifier that may give an input several labels. */
const severalLabelsSchema = v.union([
  v.object({ multiLabel: v.literal(true) }),
  v.object({ functionToApply: v.literal('sigmoid'), labels: v.pipe(v.array(v.string()), v.minLength(2)) }),
]);

/** The judge of a model. @throws `INVALID_REQUEST` for a task whose answers cannot be compared with labels */
export const judgeOf = (task: string, settings: unknown): Judge => {
  if (task === 'text-classification' && v.is(ratingSchema, settings)) return rating;
  if (v.is(severalLabelsSchema, settings)) return severalLabels;
  const judge = Object.hasOwn(JUDGES, task) ? JUDGES[task] : undefined;
  if (judge !== undefined) return judge;
  const known = Object.keys(JUDGES).join(', ');
  return refuse('INVALID_REQUEST', `the task ${task} cannot be evaluated; these can: ${known}`);
};

const labelsSchema = v.object({ labels: v.array(v.string()) });

/** The labels in the settings of a model; none for a task without labels. */
export const labelsOf = (settings: unknown): readonly string[] => {
  const parsed = v.safeParse(labelsSchema, settings);
  return parsed.success ? parsed.output.labels : [];
};
