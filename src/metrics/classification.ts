import { CALIBRATION_BINS, calibrationBin } from './reliability.ts';
import { ratio, type Scoring, type Weights } from './scoring.ts';

/** The answer to one sample. */
export interface Classified {
  readonly truth: string;
  readonly predicted: string;
  /** The probability of the right label; undefined when the scores are no probabilities. */
  readonly truthScore?: number | undefined;
  /** The probability of the predicted label. */
  readonly confidence?: number | undefined;
}

/** scikit-learn keeps probabilities by the epsilon of float64 from 0 and 1. */
const clip = (score: number): number => Math.min(Math.max(score, Number.EPSILON), 1 - Number.EPSILON);

const weightOf = (weights: Weights | undefined, sample: number): number => (weights ? (weights[sample] ?? 0) : 1);

/** The mean of the F1 of all classes that occur, among the truths or the predictions. */
const macroF1 = (truths: Int32Array, predictions: Int32Array, classes: number, weights?: Weights): number => {
  const [hits, seen] = [new Float64Array(classes), new Float64Array(classes)];
  for (let sample = 0; sample < truths.length; sample += 1) {
    const weight = weightOf(weights, sample);
    const [truth = 0, predicted = 0] = [truths[sample], predictions[sample]];
    if (truth === predicted) hits[truth] = (hits[truth] ?? 0) + weight;
    seen[truth] = (seen[truth] ?? 0) + weight;
    seen[predicted] = (seen[predicted] ?? 0) + weight;
  }
  let [sum, present] = [0, 0];
  for (let label = 0; label < classes; label += 1) {
    const both = seen[label] ?? 0;
    if (both === 0) continue;
    sum += (2 * (hits[label] ?? 0)) / both;
    present += 1;
  }
  return ratio(sum, present);
};

interface Probabilities {
  readonly logLoss: number;
  /** The expected calibration error. */
  readonly ece: number;
}

const calibration = (samples: readonly Classified[], correct: Uint8Array, weights?: Weights): Probabilities => {
  const gaps = new Float64Array(CALIBRATION_BINS);
  let [loss, all] = [0, 0];
  samples.forEach(({ truthScore = 0, confidence = 0 }, sample) => {
    const weight = weightOf(weights, sample);
    if (weight === 0) return;
    loss -= weight * Math.log(clip(truthScore));
    all += weight;
    const bin = calibrationBin(confidence);
    gaps[bin] = (gaps[bin] ?? 0) + weight * ((correct[sample] ?? 0) - confidence);
  });
  return { logLoss: loss / all, ece: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / all };
};

/** Accuracy, macro F1 and, of probabilities, log loss as scikit-learn defines them, and the expected calibration error. */
export const scoreClassification = (samples: readonly Classified[]): Scoring => {
  const indexOf = new Map<string, number>();
  const toIndex = (label: string): number => {
    const known = indexOf.get(label) ?? indexOf.size;
    indexOf.set(label, known);
    return known;
  };
  const truths = Int32Array.from(samples, ({ truth }) => toIndex(truth));
  const predictions = Int32Array.from(samples, ({ predicted }) => toIndex(predicted));
  const correct = Uint8Array.from(truths, (truth, sample) => Number(truth === predictions[sample]));
  const isProbability = samples.every(
    ({ truthScore, confidence }) => truthScore !== undefined && confidence !== undefined,
  );
  return {
    samples: samples.length,
    shares: { accuracy: correct },
    figures: (weights) => {
      let [right, all] = [0, 0];
      for (let sample = 0; sample < correct.length; sample += 1) {
        const weight = weightOf(weights, sample);
        right += weight * (correct[sample] ?? 0);
        all += weight;
      }
      return {
        accuracy: right / all,
        macroF1: macroF1(truths, predictions, indexOf.size, weights),
        ...(isProbability && calibration(samples, correct, weights)),
      };
    },
  };
};

/** Counts of samples by their label and the predicted one; pairs that do not occur are left out. Without `weights`, each counts once. */
export const confusionMatrix = (
  samples: readonly Classified[],
  weights?: Weights,
): Readonly<Record<string, Readonly<Record<string, number>>>> => {
  const rows = new Map<string, Map<string, number>>();
  for (const [sample, { truth, predicted }] of samples.entries()) {
    const row = rows.get(truth) ?? new Map<string, number>();
    rows.set(truth, row.set(predicted, (row.get(predicted) ?? 0) + weightOf(weights, sample)));
  }
  return Object.fromEntries([...rows].map(([truth, row]) => [truth, Object.fromEntries(row)]));
};
