import * as v from 'valibot';
import { shorten } from '../../core/show.ts';
import { confusionMatrix, scoreClassification } from '../../metrics/classification.ts';
import { scoreSums } from '../../metrics/scoring.ts';
import { defineJudge } from './judge.ts';

/** The best label first, as classifiers answer. */
const answerSchema = v.pipe(v.array(v.object({ label: v.string(), score: v.number() })), v.minLength(1));
type LabelScores = v.InferOutput<typeof answerSchema>;

/** Largest distance from 1 of the sum of probabilities in float32. */
const ROUNDING = 1e-3;
const LONGEST_LIST = 400;

/** Scores of all labels that add up to 1; those of a model with several labels for an input do not. */
const areProbabilities = (scores: LabelScores): boolean =>
  scores.every(({ score }) => score >= 0 && score <= 1) &&
  Math.abs(scores.reduce((sum, { score }) => sum + score, 0) - 1) < ROUNDING;

const bestOf = ([best]: LabelScores): LabelScores[number] => best ?? { label: '', score: 0 };

/** The largest difference of a label's score. */
const distance = (first: LabelScores, second: LabelScores): number => {
  const scores = new Map(second.map(({ label, score }) => [label, score]));
  return first.reduce((most, { label, score }) => Math.max(most, Math.abs(score - (scores.get(label) ?? 0))), 0);
};

/** A label of the model, or the index of one. */
const readLabel = (label: unknown, labels: readonly string[]): string | undefined => {
  const text = typeof label === 'number' || typeof label === 'boolean' ? String(label) : label;
  if (typeof text !== 'string') return undefined;
  if (labels.includes(text)) return text;
  return /^[0-9]{1,6}$/.test(text) ? labels[Number(text)] : undefined;
};

/** Labels of images, texts and rows. */
export const classification = defineJudge({
  parameters: ({ labels }) => ({ top_k: Math.max(1, labels.length) }),
  labelForm: ({ labels }) => `one of ${shorten(labels.join(', '), LONGEST_LIST)}, or its index`,
  readLabel: (label, { labels }) => readLabel(label, labels),
  answer: answerSchema,
  label: (truth, scores) => {
    const { label: predicted, score } = bestOf(scores);
    if (!areProbabilities(scores)) return { truth, predicted };
    const truthScore = scores.find(({ label }) => label === truth)?.score ?? 0;
    return { truth, predicted, truthScore, confidence: score };
  },
  score: scoreClassification,
  details: (samples) => ({ confusion: confusionMatrix(samples) }),
  agree: (first, second) => ({
    isSame: bestOf(first).label === bestOf(second).label,
    distance: distance(first, second),
  }),
  scoreAgreement: (samples) =>
    scoreSums(
      samples.map(({ isSame, distance: apart }) => [1, Number(isSame), apart]),
      ([count = 0, same = 0, apart = 0]) => ({ sameAnswer: same / count, scoreDistance: apart / count }),
      { sameAnswer: Uint8Array.from(samples, ({ isSame }) => Number(isSame)) },
    ),
});
