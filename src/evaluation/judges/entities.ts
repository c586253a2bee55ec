import * as v from 'valibot';
import { scoreEntities } from '../../metrics/entities.ts';
import { defineJudge } from './judge.ts';

const labelsSchema = v.array(v.object({ label: v.string(), start: v.number(), end: v.number() }));

const answerSchema = v.pipe(
  v.array(v.object({ entity_group: v.string(), start: v.number(), end: v.number() })),
  v.transform((entities) => entities.map(({ entity_group: label, start, end }) => ({ label, start, end }))),
);

/** `PER` of `B-PER`. */
const withoutPrefix = (label: string): string => label.replace(/^[BIESLU]-/, '');

/** Entities of texts. A label that only the samples have counts as never found, so it is refused before. */
export const entities = defineJudge({
  // The tokens of a word get the label of its first one, as in the measurements of data sets whose words are labelled.
  parameters: () => ({ aggregation_strategy: 'first' }),
  labelForm: ({ labels }) =>
    `entities [{"label", "start", "end"}] of ${[...new Set(labels.map(withoutPrefix))].join(', ')}, or "tokens" with a tag such as B-PER for each`,
  readLabel: (label, { labels }) => {
    const parsed = v.safeParse(labelsSchema, label);
    if (!parsed.success) return undefined;
    const known = new Set(labels.map(withoutPrefix));
    return parsed.output.every((entity) => known.has(entity.label)) ? parsed.output : undefined;
  },
  answer: answerSchema,
  label: (truth, predicted) => ({ truth, predicted }),
  score: scoreEntities,
  agree: (truth, predicted) => ({ truth, predicted }),
  scoreAgreement: scoreEntities,
});
