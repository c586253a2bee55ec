import { argMax } from '../../core/arg-max.ts';

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

/** The candidates whose weights `isKept`, in the order of their ids. */
const select = ({ ids, weights }: Candidates, isKept: (weight: number) => boolean): Candidates => {
  const kept = { ids: new Uint32Array(ids.length), weights: new Float64Array(ids.length) };
  let [count, total] = [0, 0];
  for (let index = 0; index < ids.length; index += 1) {
    const weight = weights[index] ?? 0;
    if (!isKept(weight)) continue;
    kept.ids[count] = ids[index] ?? 0;
    kept.weights[count] = weight;
    count += 1;
    total += weight;
  }
  return { ids: kept.ids.subarray(0, count), weights: kept.weights.subarray(0, count), total };
};

/** The likeliest tokens whose probabilities sum up to `topP`, at least one, as in transformers: the others sum up to `1 - topP` or less. */
const nucleus = (all: Candidates, topP: number): Candidates => {
  // A token of less than this cannot belong to it, however the others lie.
  const floor = ((1 - topP) * all.total) / all.ids.length;
  const likely = select(all, (weight) => weight >= floor);
  const ascending = likely.weights.slice().sort();
  let [count, before] = [0, 0];
  while (count < ascending.length && (count === 0 || before < topP * all.total)) {
    count += 1;
    before += ascending[ascending.length - count] ?? 0;
  }
  const least = ascending[ascending.length - count] ?? 0;
  let equal = count - (ascending.length - 1 - ascending.lastIndexOf(least));
  return select(likely, (weight) => weight > least || (weight === least && equal-- > 0));
};

/**
 * The tokens that may come next, by logits float32[V]: temperature, then `topK`, `topP` and `minP`, each on what the one before left, as
 * transformers' warpers work. A token of logit -Infinity is none of them.
 * @param largest the largest of the logits
 */
export const candidatesOf = (
  logits: Float32Array,
  { temperature, topK, topP, minP }: Sampling,
  largest: number = logits[argMax(logits)] ?? 0,
): Candidates => {
  const lowest = topK > 0 ? thresholdOf(logits, topK) : Number.NEGATIVE_INFINITY;
  // Only the tokens that `minP` keeps anyway are looked at, unless `topP` needs all for its sum.
  const floor = minP > 0 && topP >= 1 ? Math.max(lowest, largest + temperature * Math.log(minP)) : lowest;
  const ids = new Uint32Array(logits.length);
  const weights = new Float64Array(logits.length);
  let [count, total] = [0, 0];
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? 0;
    if (!(logit >= floor) || logit === Number.NEGATIVE_INFINITY) continue;
    const weight = Math.exp((logit - largest) / temperature);
    ids[count] = id;
    weights[count] = weight;
    count += 1;
    total += weight;
  }
  const all = { ids: ids.subarray(0, count), weights: weights.subarray(0, count), total };
  const likely = topP < 1 ? nucleus(all, topP) : all;
  return minP > 0 && topP < 1 ? select(likely, (weight) => weight >= minP) : likely;
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
