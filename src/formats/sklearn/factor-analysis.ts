import type { Converter } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, rowsOf } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** Most components: the inverse takes the cube of their number. */
const MOST_COMPONENTS = 500;

const takeRow = (row: Float64Array, other: Float64Array, factor: number): void => {
  other.forEach((value, index) => {
    row[index] = (row[index] ?? 0) - factor * value;
  });
};

/**
 * X of `left` X = `right` by Gauss and Jordan. `left` is symmetric and positive definite, as it is here, so that its pivots need no search. Both lists
 * of rows are changed.
 */
const solve = (left: readonly Float64Array[], right: readonly Float64Array[]): readonly Float64Array[] => {
  left.forEach((pivot, index) => {
    const own = right[index] ?? new Float64Array();
    const divisor = pivot[index] ?? 1;
    for (const row of [pivot, own]) row.set(row.map((value) => value / divisor));
    left.forEach((row, other) => {
      if (other === index) return;
      const factor = row[index] ?? 0;
      takeRow(row, pivot, factor);
      takeRow(right[other] ?? new Float64Array(), own, factor);
    });
  });
  return right;
};

/** The components over the noise, times the inverse of the covariance of the factors: (I + W Cᵀ)⁻¹ W. */
const toWeights = (estimator: Estimator): Matrix => {
  const components = estimator.matrix('components_');
  if (components.rows > MOST_COMPONENTS)
    estimator.refuse(`it has ${components.rows} components, at most ${MOST_COMPONENTS} can be converted`);
  const noise = estimator.vector('noise_variance_');
  const rows = rowsOf(components);
  const scaled = rows.map((row) => row.map((value, index) => value / (noise[index] ?? 1)));
  const covariance = scaled.map((row, index) =>
    Float64Array.from(rows, (other, place) =>
      row.reduce((sum, value, column) => sum + value * (other[column] ?? 0), Number(index === place)),
    ),
  );
  const values = new Float64Array(components.values.length);
  for (const [index, row] of solve(covariance, scaled).entries()) values.set(row, index * components.columns);
  return { ...components, values };
};

/** The mean of the factors of each row. */
export const factorAnalysis: Converter = (estimator, frame, { graph }) => {
  const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('mean_'))]);
  const weights = toWeights(estimator);
  return { frame: toFrame(addLinear(graph, centred, weights), weights.rows) };
};
