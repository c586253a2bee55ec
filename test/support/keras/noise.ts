/** Uniform in [-1, 1): MurmurHash3's last step of an index, as `noise` of test/reference/keras_models.py. */
const noiseAt = (index: number): number => {
  let hash = index >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 31 - 1;
};

/** Inputs of a kind: `float`, `pixel`, `integer:N`, and `steps`, which has steps of zeros. */
export const createNoise = (shape: readonly number[], kind: string, seed: number): number[] => {
  const count = shape.reduce((product, size) => product * size, 1);
  const width = shape.at(-1) ?? 1;
  return Array.from({ length: count }, (_, index) => {
    const value = noiseAt(index + seed);
    if (kind === 'pixel') return Math.floor((value + 1) * 128);
    if (kind.startsWith('integer:')) return Math.floor(((value + 1) / 2) * Number(kind.slice('integer:'.length)));
    if (kind === 'steps') return noiseAt(Math.floor(index / width) + seed + 1) > -0.3 ? value : 0;
    return value * 2;
  });
};
