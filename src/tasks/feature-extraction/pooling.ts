export const POOL_NAMES = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'] as const;

export type PoolName = (typeof POOL_NAMES)[number];

/** Makes one vector from the vectors of tokens `[from, to)`, each `width` long. */
type Pool = (vectors: Float32Array, width: number, from: number, to: number) => Float32Array;

/** The sum of the vectors, each times the weight of its position, divided by `divisor`. */
const weighted =
  (weight: (position: number) => number, divisor: (count: number) => number): Pool =>
  (vectors, width, from, to) => {
    const sum = new Float64Array(width);
    for (let token = from; token < to; token++)
      for (let index = 0; index < width; index++)
        sum[index] = (sum[index] ?? 0) + weight(token - from) * (vectors[token * width + index] ?? 0);
    return Float32Array.from(sum, (value) => value / divisor(to - from));
  };

const one = (): number => 1;

/** Ways to make one vector from the vectors of all tokens, with the names and formulas of `Pooling` of sentence-transformers. */
const POOLS = {
  cls: (vectors, width, from) => vectors.slice(from * width, (from + 1) * width),
  max(vectors, width, from, to) {
    const most = new Float32Array(width).fill(Number.NEGATIVE_INFINITY);
    for (let token = from; token < to; token++)
      for (let index = 0; index < width; index++)
        most[index] = Math.max(most[index] ?? 0, vectors[token * width + index] ?? 0);
    return most;
  },
  mean: weighted(one, (count) => count),
  mean_sqrt_len_tokens: weighted(one, Math.sqrt),
  /** Later tokens count more: the first once, the second twice, and so on. */
  weightedmean: weighted(
    (position) => position + 1,
    (count) => (count * (count + 1)) / 2,
  ),
  lasttoken: (vectors, width, _, to) => vectors.slice((to - 1) * width, to * width),
} as const satisfies Record<PoolName, Pool>;

/** The results of the pools `names` for tokens `[from, to)`, joined in that order; zeros when there is no token. */
export const pool = (
  names: readonly PoolName[],
  vectors: Float32Array,
  width: number,
  from: number,
  to: number,
): Float32Array => {
  const pooled = new Float32Array(names.length * width);
  if (to > from)
    names.forEach((name, index) => {
      pooled.set(POOLS[name](vectors, width, from, to), index * width);
    });
  return pooled;
};

/** A vector of length 1 in the direction of `vector`, like `torch.nn.functional.normalize`; zeros stay. */
export const toUnitLength = (vector: Float32Array): Float32Array => {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / Math.max(length, 1e-12));
};
