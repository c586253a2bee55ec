/** The sets of rows that test/reference/sklearn_models.py names. The first of `training` are those that the estimators were fitted on. */
export type RowSet = 'plain' | 'epoch' | 'missing' | 'counts' | 'training' | 'column' | 'frame';

const COLUMNS = 4;

/** The words for the numbers of the column `city` of the set `frame`. */
export const CITIES = ['Ulm', 'Köln', 'b', 'Oslo'];

/** The columns of the set `frame`. */
export const FRAME_COLUMNS = ['width', 'grid', 'city', 'depth'];

/** Numbers in [0, 1) of 32 bits, from a linear congruential generator. */
const createUniform = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A row; `isTraining` puts the second column between the thresholds of trees, on which it lies otherwise. */
const toRow = (rows: RowSet, u: readonly number[], isTraining: boolean): number[] => {
  const [first = 0, second = 0, third = 0, fourth = 0] = u;
  if (rows === 'counts') return [first, second, third, fourth].map((each) => Math.floor(each * 5));
  const row = [
    rows === 'epoch' ? 1.6e9 + first * 1e7 : first * 6 - 3,
    (isTraining ? Math.floor(second * 13) * 0.5 : Math.floor(second * 25) * 0.25) - 3,
    Math.floor(third * 4),
    Math.fround(fourth * 2 - 1),
  ];
  if (rows === 'column') return row.slice(0, 1);
  return rows === 'missing' ? row.map((value, index) => ((u[COLUMNS + index] ?? 0) < 0.08 ? Number.NaN : value)) : row;
};

/** The rows that the estimators of the reference answered, the same as `rows_of` of test/reference/sklearn_models.py. */
export const makeRows = (rows: RowSet): number[][] => {
  const isTraining = rows === 'training';
  const uniform = createUniform(isTraining ? 7 : 11);
  return Array.from({ length: 1000 }, () =>
    toRow(
      rows,
      Array.from({ length: 2 * COLUMNS }, () => uniform()),
      isTraining,
    ),
  );
};
