/** The number of times that each sample counts. */
export type Weights = ArrayLike<number>;

export type Figures = Readonly<Record<string, number>>;

/** The answers of a model beside the right ones, ready for any selection of the samples. */
export interface Scoring {
  readonly samples: number;
  /** The figures by name; without `weights`, each sample counts once. A figure that has no value for the samples is NaN. */
  figures(weights?: Weights): Figures;
  /** Figures that are shares of the samples, by name: 1 for each sample that counts, 0 for the others. */
  readonly shares: Readonly<Record<string, Uint8Array>>;
}

/** `a / b`, and 0 when nothing was counted, as scikit-learn and seqeval have it. */
export const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

/**
 * A scoring whose figures follow from sums over the samples.
 * @param rows float64 numbers of each sample, as many for each
 */
export const scoreSums = (
  rows: readonly (readonly number[])[],
  toFigures: (sums: readonly number[]) => Figures,
  shares: Scoring['shares'] = {},
): Scoring => {
  const width = rows[0]?.length ?? 0;
  const values = Float64Array.from(rows.flat());
  return {
    samples: rows.length,
    shares,
    figures: (weights) => {
      const sums = new Array<number>(width).fill(0);
      for (let sample = 0; sample < rows.length; sample += 1) {
        const weight = weights === undefined ? 1 : (weights[sample] ?? 0);
        if (weight === 0) continue;
        for (let column = 0; column < width; column += 1)
          sums[column] = (sums[column] ?? 0) + weight * (values[sample * width + column] ?? 0);
      }
      return toFigures(sums);
    },
  };
};
