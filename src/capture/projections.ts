/** Numbers that stand for an embedding. */
const COUNT = 16;

/** Signs, 1 or -1, by width: rows of the projection one after the other. Every process makes the same ones. */
const signsByWidth = new Map<number, Int8Array>();

/** Marsaglia's xorshift32. */
const createSigns = (length: number): Int8Array => {
  let state = 0x9e3779b9;
  return Int8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0x10000 ? 1 : -1;
  });
};

/** Fixed random projections float64[16] of an embedding: sums with signs, over the root of its width (Achlioptas 2003). */
export const project = (vector: readonly number[]): number[] => {
  const width = vector.length;
  const signs = signsByWidth.get(width) ?? createSigns(COUNT * width);
  signsByWidth.set(width, signs);
  return Array.from({ length: COUNT }, (_, row) => {
    let sum = 0;
    for (let index = 0; index < width; index += 1) sum += (signs[row * width + index] ?? 0) * (vector[index] ?? 0);
    return sum / Math.sqrt(width);
  });
};
