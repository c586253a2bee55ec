import { type Scoring, scoreSums } from './scoring.ts';

type Vector = ArrayLike<number>;

const dot = (a: Vector, b: Vector): number => {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
};

const normalised = (vector: Vector): Float64Array => {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return Float64Array.from(vector, (value) => value / length);
};

/** The cosine of two vectors; 0 if one of them has no length. */
export const cosine = (a: Vector, b: Vector): number => dot(normalised(a), normalised(b));

/** Vectors among which a nearest neighbour is searched: all of them would take the square of their number. */
const BLOCK = 2000;

/**
 * For each vector the place of its nearest other one by cosine, the first of equal ones; -1 for a vector alone. It is searched in the same
 * `BLOCK` of vectors.
 */
export const nearestNeighbours = (vectors: readonly Vector[]): Int32Array => {
  const neighbours = new Int32Array(vectors.length).fill(-1);
  for (let start = 0; start < vectors.length; start += BLOCK) {
    const units = vectors.slice(start, start + BLOCK).map(normalised);
    units.forEach((unit, place) => {
      let best = Number.NEGATIVE_INFINITY;
      units.forEach((other, index) => {
        const similarity = index === place ? Number.NEGATIVE_INFINITY : dot(unit, other);
        if (similarity <= best) return;
        neighbours[start + place] = start + index;
        best = similarity;
      });
    });
  }
  return neighbours;
};

/** The mean cosine of pairs of vectors, and the share of vectors that have the same nearest neighbour on both sides. */
export const scoreAgreement = (truth: readonly Vector[], predicted: readonly Vector[]): Scoring => {
  const [before, after] = [nearestNeighbours(truth), nearestNeighbours(predicted)];
  const same = Uint8Array.from(before, (neighbour, sample) => Number(neighbour === after[sample]));
  return scoreSums(
    truth.map((vector, sample) => [1, cosine(vector, predicted[sample] ?? []), same[sample] ?? 0]),
    ([count = 0, cosines = 0, neighbours = 0]) => ({ cosine: cosines / count, sameNeighbour: neighbours / count }),
    { sameNeighbour: same },
  );
};

/** The share of vectors whose nearest neighbour has their label. */
export const scoreNeighbourLabels = (vectors: readonly Vector[], labels: readonly string[]): Scoring => {
  const nearest = nearestNeighbours(vectors);
  const same = Uint8Array.from(nearest, (neighbour, sample) => Number(labels[neighbour] === labels[sample]));
  return scoreSums(
    [...same].map((flag) => [1, flag]),
    ([count = 0, right = 0]) => ({ neighbourLabel: right / count }),
    { neighbourLabel: same },
  );
};
