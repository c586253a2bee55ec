import { topIndices } from './top-indices.ts';

/** Probabilities float32[C] from logits float32[C], stable for large values. */
export const softmax = (logits: Float32Array): Float32Array => {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) max = Math.max(max, logit);
  const scores = new Float32Array(logits.length);
  let sum = 0;
  logits.forEach((logit, index) => {
    const exponential = Math.exp(logit - max);
    scores[index] = exponential;
    sum += exponential;
  });
  return scores.map((score) => score / sum);
};

/** Independent probabilities float32[C], for models with several labels per input. */
export const sigmoid = (logits: Float32Array): Float32Array => logits.map((logit) => 1 / (1 + Math.exp(-logit)));

export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The `count` best labels, best first; equal scores keep the order of the labels. @throws `INFERENCE_FAILED` for scores that are no numbers */
export const topLabels = (
  scores: Float32Array | Float64Array,
  labels: readonly string[],
  count: number,
): LabelScore[] =>
  topIndices(scores, count).map((index) => ({
    label: labels[index] ?? `LABEL_${index}`,
    score: scores[index] as number,
  }));
