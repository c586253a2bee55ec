import { logSumExp } from '../logits.ts';

/** Log-probabilities of a token and of the likeliest ones at its place. */
export interface LikelyTokens {
  readonly logProbability: number;
  /** The likeliest tokens, best first. */
  readonly best: readonly { readonly id: number; readonly logProbability: number }[];
}

/** Ids of the `count` largest logits, best first; of equal ones the first. */
const largest = (logits: Float32Array, count: number): number[] => {
  const best: number[] = [];
  if (count === 0) return best;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? 0;
    const last = best.length < count ? Number.NEGATIVE_INFINITY : (logits[best[count - 1] ?? 0] ?? 0);
    if (!(logit > last)) continue;
    const place = best.findLastIndex((other) => (logits[other] ?? 0) >= logit);
    best.splice(place + 1, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
};

/** Notes the log-probabilities of logits float32[V], which may change afterwards. @returns a function that adds the chosen token */
export const likelyTokens = (logits: Float32Array, count: number): ((id: number) => LikelyTokens) => {
  const normalizer = logSumExp(logits);
  const best = largest(logits, count).map((id) => ({ id, logProbability: (logits[id] ?? 0) - normalizer }));
  const all = logits.slice();
  return (id) => ({ logProbability: (all[id] ?? 0) - normalizer, best });
};
