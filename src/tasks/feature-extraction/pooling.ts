/** Vectors of tokens `[from, to)`, each `width` long, → one. */
type Pool = (vectors: Float32Array, width: number, from: number, to: number) => Float32Array;

/** The tokens' vectors, each times the weight of its position, divided by `divisor`. */
const weighted =
  (weight: (position: number) => number, divisor: (count: number) => number): Pool =>
  (vectors, width, from, to) => {
    const sum = new Float64Array(width);
    for (let token = from; token < to; token++)
      for (let index = 0; index < width; index++)
        sum[index] = (sum[index] as number) + weight(token - from) * (vectors[token * width + index] as number);
    return Float32Array.from(sum, (value) => value / divisor(to - from));
  };

const one = (): number => 1;

/** Ways to make one vector of those of all tokens, by the names and formulas of sentence-transformers' `Pooling`. */
export const POOLS = {
  cls: (vectors, width, from) => vectors.slice(from * width, (from + 1) * width),
  max(vectors, width, from, to) {
    const most = new Float32Array(width).fill(Number.NEGATIVE_INFINITY);
    for (let token = from; token < to; token++)
      for (let index = 0; index < width; index++)
        most[index] = Math.max(most[index] as number, vectors[token * width + index] as number);
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
} as const satisfies Record<string, Pool>;

export type PoolName = keyof typeof POOLS;

export const POOL_NAMES = Object.keys(POOLS) as readonly PoolName[];

/** The vectors that `names` make of tokens `[from, to)`, one after the other; zeros where there is no token. */
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

/** A vector of length 1 in the same direction; zeros stay. As `torch.nn.functional.normalize`. */
export const toUnitLength = (vector: Float32Array): Float32Array => {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / Math.max(length, 1e-12));
};
