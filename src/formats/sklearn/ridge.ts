import type { Estimator } from './estimator.ts';
import { rowsOf } from './formulas.ts';
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

/**
 * (`ridge` I + W Cᵀ)⁻¹ W for the components C [K,F] and `scaled`, a row of W for each of them. @throws `MODEL_INVALID` for more components than can
 * be converted
 */
export const ridgeWeights = (
  estimator: Estimator,
  components: Matrix,
  scaled: readonly Float64Array[],
  ridge: number,
): Matrix => {
  if (components.rows > MOST_COMPONENTS)
    estimator.refuse(`it has ${components.rows} components, at most ${MOST_COMPONENTS} can be converted`);
  const rows = rowsOf(components);
  const covariance = scaled.map((row, index) =>
    Float64Array.from(rows, (other, place) =>
      row.reduce((sum, value, column) => sum + value * (other[column] ?? 0), index === place ? ridge : 0),
    ),
  );
  const values = new Float64Array(components.values.length);
  for (const [index, row] of solve(covariance, scaled).entries()) values.set(row, index * components.columns);
  return { ...components, values };
};
