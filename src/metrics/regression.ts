import { type Scoring, scoreSums } from './scoring.ts';

export interface Estimated {
  readonly truth: number;
  readonly predicted: number;
}

/** R², as scikit-learn has it when all truths are equal: 1 for answers without an error, else 0. */
const determination = (residual: number, total: number): number => {
  if (total !== 0) return 1 - residual / total;
  return residual === 0 ? 1 : 0;
};

/** Mean absolute error, root of the mean squared error, R², and the residual sum of squares: the squared errors, added up. */
export const scoreRegression = (samples: readonly Estimated[]): Scoring => {
  // Numbers far from zero keep their digits when their mean is taken off first.
  const centre = samples.reduce((sum, { truth }) => sum + truth, 0) / samples.length;
  const rows = samples.map(({ truth, predicted }) => {
    const [error, deviation] = [predicted - truth, truth - centre];
    return [1, Math.abs(error), error ** 2, deviation, deviation ** 2];
  });
  return scoreSums(rows, ([count = 0, absolute = 0, squared = 0, deviation = 0, deviationSquared = 0]) => ({
    mae: absolute / count,
    rmse: Math.sqrt(squared / count),
    r2: determination(squared, deviationSquared - deviation ** 2 / count),
    residualSumOfSquares: squared,
  }));
};
