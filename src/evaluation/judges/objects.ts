import * as v from 'valibot';
import { scoreDetection } from '../../metrics/detection.ts';
import type { Located } from '../../metrics/match-boxes.ts';
import { defineJudge } from './judge.ts';

const boxSchema = v.object({ xmin: v.number(), ymin: v.number(), xmax: v.number(), ymax: v.number() });

const toBox = ({ xmin, ymin, xmax, ymax }: v.InferOutput<typeof boxSchema>): Located['box'] => [
  xmin,
  ymin,
  xmax - xmin,
  ymax - ymin,
];

const labelsSchema = v.pipe(
  v.array(v.object({ label: v.string(), box: boxSchema, crowd: v.optional(v.boolean(), false) })),
  v.transform((objects) => objects.map(({ label, box, crowd }) => ({ label, box: toBox(box), isCrowd: crowd }))),
);

const answerSchema = v.pipe(
  v.array(v.object({ label: v.string(), score: v.number(), box: boxSchema })),
  v.transform((objects) => objects.map(({ label, score, box }) => ({ label, score, box: toBox(box) }))),
);

/** Least score of a detection that counts: the precision at high recalls needs unsure ones too. Ultralytics measures with the same. */
const LEAST_SCORE = 0.001;
/** Least score of a detection that another model has to find too. */
const SURE = 0.5;

export const objects = defineJudge({
  parameters: () => ({ threshold: LEAST_SCORE }),
  labelForm: ({ labels }) =>
    `objects [{"label", "box": {"xmin", "ymin", "xmax", "ymax"}}] of ${labels.slice(0, 20).join(', ')}`,
  readLabel: (label, { labels }) => {
    const parsed = v.safeParse(labelsSchema, label);
    return parsed.success && parsed.output.every((object) => labels.includes(object.label)) ? parsed.output : undefined;
  },
  answer: answerSchema,
  label: (truth, predicted) => ({ truth, predicted }),
  score: scoreDetection,
  agree: (first, predicted) => ({ truth: first.filter(({ score }) => score >= SURE), predicted }),
  scoreAgreement: scoreDetection,
});
