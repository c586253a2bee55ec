import * as v from 'valibot';
import { shorten } from '../../core/show.ts';
import { confusionMatrix, scoreClassification } from '../../metrics/classification.ts';
import { scoreLabelSets } from '../../metrics/label-sets.ts';
import { type Scoring, scoreSums } from '../../metrics/scoring.ts';
import { defineJudge, type ModelLabels } from './judge.ts';

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

/** The answers of two models to one sample. */
interface Agreed {
  readonly isSame: boolean;
  readonly distance: number;
}

const scoreAgreement = (samples: readonly Agreed[]): Scoring =>
  scoreSums(
    samples.map(({ isSame, distance: apart }) => [1, Number(isSame), apart]),
    ([count = 0, same = 0, apart = 0]) => ({ sameAnswer: same / count, scoreDistance: apart / count }),
    { sameAnswer: Uint8Array.from(samples, ({ isSame }) => Number(isSame)) },
  );

const parameters = ({ labels }: ModelLabels) => ({ top_k: Math.max(1, labels.length) });

const describeLabels = ({ labels }: ModelLabels): string => shorten(labels.join(', '), LONGEST_LIST);

/** Labels of images, texts and rows, one for each. */
export const classification = defineJudge({
  parameters,
  labelForm: (model) => `one of ${describeLabels(model)}, or its index`,
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
  scoreAgreement,
});

/** Least score of a label that an input has, in a model with several labels for an input. */
const LEAST_SCORE = 0.5;

const labelsIn = (scores: LabelScores): string[] =>
  scores.filter(({ score }) => score >= LEAST_SCORE).map(({ label }) => label);

/** Labels of models that may give an input several of them. */
export const severalLabels = defineJudge({
  parameters,
  labelForm: (model) => `a list of ${describeLabels(model)}, or of their indices`,
  readLabel: (label, { labels }) => {
    const names = (Array.isArray(label) ? label : [label]).map((each) => readLabel(each, labels));
    return names.every((name) => name !== undefined) ? names : undefined;
  },
  answer: answerSchema,
  label: (truth, scores) => ({ truth, predicted: labelsIn(scores) }),
  score: scoreLabelSets,
  agree: (first, second) => ({
    isSame: labelsIn(first).sort().join() === labelsIn(second).sort().join(),
    distance: distance(first, second),
  }),
  scoreAgreement,
});
