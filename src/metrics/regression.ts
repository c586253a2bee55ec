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

/** The terms of a sample, which are added up: 1, its absolute error and its squared error. */
export const errorTerms = ({ truth, predicted }: Estimated): [number, number, number] => [
  1,
  Math.abs(predicted - truth),
  (predicted - truth) ** 2,
];

/** Mean absolute error, and root of the mean squared error, of such sums. */
export const errorFigures = ([count = 0, absolute = 0, squared = 0]: readonly number[]) => ({
  mae: absolute / count,
  rmse: Math.sqrt(squared / count),
});

/** Mean absolute error, root of the mean squared error, R², and the residual sum of squares: the squared errors, added up. */
export const scoreRegression = (samples: readonly Estimated[]): Scoring => {
  // Numbers far from zero keep their digits when their mean is taken off first.
  const centre = samples.reduce((sum, { truth }) => sum + truth, 0) / samples.length;
  const rows = samples.map((sample) => {
    const deviation = sample.truth - centre;
    return [...errorTerms(sample), deviation, deviation ** 2];
  });
  return scoreSums(rows, ([count = 0, absolute = 0, squared = 0, deviation = 0, deviationSquared = 0]) => ({
    ...errorFigures([count, absolute, squared]),
    r2: determination(squared, deviationSquared - deviation ** 2 / count),
    residualSumOfSquares: squared,
  }));
};
