import * as v from 'valibot';
import { scoreRanking } from '../../metrics/ranking.ts';
import { defineJudge } from './judge.ts';

/** Items of an answer that count. */
const TOP = 10;

const idSchema = v.pipe(v.union([v.string(), v.number()]), v.transform(String));

const answerSchema = v.pipe(
  v.object({ items: v.array(v.object({ id: idSchema })) }),
  v.transform(({ items }) => items.map(({ id }) => id)),
);

/** Recommended items. */
export const items = defineJudge({
  parameters: () => ({ top_k: TOP }),
  labelForm: () => 'the id of an item, or a list of ids',
  readLabel: (label) => {
    const parsed = v.safeParse(v.pipe(v.array(idSchema), v.minLength(1)), Array.isArray(label) ? label : [label]);
    return parsed.success ? [...new Set(parsed.output)] : undefined;
  },
  answer: answerSchema,
  label: (truth, predicted) => ({ truth, predicted }),
  score: (samples) => scoreRanking(samples),
  agree: (truth, predicted) => ({ truth, predicted }),
  scoreAgreement: (samples) => scoreRanking(samples),
});
