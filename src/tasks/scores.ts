import { type Scores, scoreAt, topIndices } from './top-indices.ts';

/**
 * Probabilities float32[C] from logits float32[C], stable for large values. Elements are read by index: iterators would leave 100 KB of garbage
 * for 1,000 classes.
 */
export const softmax = (logits: Float32Array): Float32Array => {
  const count = logits.length;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i += 1) max = Math.max(max, logits[i] ?? 0);
  const scores = new Float32Array(count);
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    const exponential = Math.exp((logits[i] ?? 0) - max);
    scores[i] = exponential;
    sum += exponential;
  }
  for (let i = 0; i < count; i += 1) scores[i] = (scores[i] ?? 0) / sum;
  return scores;
};

/** Independent probabilities float32[C], for models with several labels per input. */
export const sigmoid = (logits: Float32Array): Float32Array => logits.map((logit) => 1 / (1 + Math.exp(-logit)));

/** Names of functions from logits to scores, as the Hugging Face pipeline has them. */
export const FUNCTION_NAMES = ['softmax', 'sigmoid', 'none'] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];

export const FUNCTIONS: Readonly<Record<FunctionName, (logits: Float32Array) => Float32Array>> = {
  softmax,
  sigmoid,
  none: (logits) => logits,
};

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The `count` best labels, best first; equal scores keep the order of the labels. @throws `INFERENCE_FAILED` for scores that are no numbers */
export const topLabels = (scores: Scores, labels: readonly string[], count: number): LabelScore[] =>
  topIndices(scores, count).map((index) => ({
    label: labels[index] ?? `LABEL_${index}`,
    score: scoreAt(scores, index),
  }));
