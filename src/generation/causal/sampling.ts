/** The choice of the next token. Fields that are left out change nothing. */
export interface Sampling {
  /** False stands for the likeliest token. */
  readonly doSample: boolean;
  /** Logits are divided by it; above 0. */
  readonly temperature: number;
  /** Keeps that many of the likeliest tokens, and those that are as likely as the last; 0 keeps all. */
  readonly topK: number;
  /** Keeps the likeliest tokens until their probabilities sum up to it. */
  readonly topP: number;
  /** Keeps tokens of at least this part of the likeliest one's probability. */
  readonly minP: number;
}

/** Tokens with weights that are proportional to their probabilities. */
export interface Candidates {
  readonly ids: Uint32Array;
  readonly weights: Float64Array;
  /** The sum of the weights. */
  readonly total: number;
}

const largestOf = (values: Float32Array): number => {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (value > largest) largest = value;
  }
  return largest;
};

/** The `count`-th largest value, by a heap of the largest ones. */
const thresholdOf = (values: Float32Array, count: number): number => {
  if (count >= values.length) return Number.NEGATIVE_INFINITY;
  const heap = values.slice(0, count).sort(); // ascending, so that the smallest is at the top
  for (let index = count; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (!(value > (heap[0] ?? 0))) continue;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= count) break;
      const smaller = left + 1 < count && (heap[left + 1] ?? 0) < (heap[left] ?? 0) ? left + 1 : left;
      const least = heap[smaller] ?? 0;
      if (least >= value) break;
      heap[place] = least;
      place = smaller;
    }
    heap[place] = value;
  }
  return heap[0] ?? Number.NEGATIVE_INFINITY;
};

const toCandidates = (ids: readonly number[], weights: readonly number[]): Candidates => ({
  ids: Uint32Array.from(ids),
  weights: Float64Array.from(weights),
  total: weights.reduce((sum, weight) => sum + weight, 0),
});

/** The likeliest tokens whose probabilities sum up to `topP`, at least one, as in transformers: the others sum up to `1 - topP` or less. */
const nucleus = ({ ids, weights, total }: Candidates, topP: number): Candidates => {
  // A token of less than this cannot belong to it, however the others lie.
  const least = ((1 - topP) * total) / ids.length;
  const likely = Array.from(ids.keys()).filter((index) => (weights[index] ?? 0) >= least);
  likely.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
  let before = 0;
  const end = likely.findIndex((index) => {
    const isOver = before >= topP * total;
    before += weights[index] ?? 0;
    return isOver;
  });
  const kept = likely.slice(0, Math.max(1, end < 0 ? likely.length : end));
  return toCandidates(
    kept.map((index) => ids[index] ?? 0),
    kept.map((index) => weights[index] ?? 0),
  );
};

/**
 * The tokens that may come next, by logits float32[V]: temperature, then `topK`, `topP` and `minP`, each on what the one before left, as
 * transformers' warpers work. A token of logit -Infinity is none of them.
 */
export const candidatesOf = (logits: Float32Array, { temperature, topK, topP, minP }: Sampling): Candidates => {
  const largest = largestOf(logits);
  const lowest = topK > 0 ? thresholdOf(logits, topK) : Number.NEGATIVE_INFINITY;
  // Only the tokens that `minP` keeps anyway are looked at, unless `topP` needs all for its sum.
  const floor = minP > 0 && topP >= 1 ? Math.max(lowest, largest + temperature * Math.log(minP)) : lowest;
  const ids: number[] = [];
  const weights: number[] = [];
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? 0;
    if (!(logit >= floor) || logit === Number.NEGATIVE_INFINITY) continue;
    ids.push(id);
    weights.push(Math.exp((logit - largest) / temperature));
  }
  const all = toCandidates(ids, weights);
  const likely = topP < 1 ? nucleus(all, topP) : all;
  if (minP <= 0 || topP >= 1) return likely;
  const kept = Array.from(likely.ids.keys()).filter((index) => (likely.weights[index] ?? 0) >= minP);
  return toCandidates(
    kept.map((index) => likely.ids[index] ?? 0),
    kept.map((index) => likely.weights[index] ?? 0),
  );
};

/** Draws a token with its probability. @param random a number from 0 to 1 */
export const draw = ({ ids, weights, total }: Candidates, random: number): number => {
  let rest = random * total;
  for (let index = 0; index < ids.length; index += 1) {
    rest -= weights[index] ?? 0;
    if (rest < 0) return ids[index] ?? 0;
  }
  return ids.at(-1) ?? 0;
};
