import type { Estimator } from '../estimator.ts';

/** The coefficients of a polynomial, lowest power first. */
type Polynomial = readonly number[];

/** The splines of a column on one interval of its knots, as polynomials of the distance from `origin`. */
interface Piece {
  readonly origin: number;
  readonly splines: readonly Polynomial[];
}

const add = (a: Polynomial, b: Polynomial): Polynomial =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, power) => (a[power] ?? 0) + (b[power] ?? 0));

/** `polynomial` times (constant + slope · u). */
const timesLine = (polynomial: Polynomial, constant: number, slope: number): Polynomial =>
  add(
    polynomial.map((coefficient) => coefficient * constant),
    [0, ...polynomial.map((coefficient) => coefficient * slope)],
  );

/** The basis of B-splines on the interval from knot `interval` on, by the recursion of Cox and de Boor. */
const basisOn = (knots: Float64Array, degree: number, interval: number): readonly Polynomial[] => {
  const at = (index: number): number => knots[index] ?? 0;
  const origin = at(interval);
  let basis: Polynomial[] = Array.from({ length: knots.length - 1 }, (_, index) => (index === interval ? [1] : []));
  for (let order = 1; order <= degree; order += 1)
    basis = Array.from({ length: knots.length - 1 - order }, (_, index) => {
      const [rise, fall] = [at(index + order) - at(index), at(index + order + 1) - at(index + 1)];
      const rising = rise === 0 ? [] : timesLine(basis[index] ?? [], (origin - at(index)) / rise, 1 / rise);
      const end = at(index + order + 1);
      const falling = fall === 0 ? [] : timesLine(basis[index + 1] ?? [], (end - origin) / fall, -1 / fall);
      return add(rising, falling);
    });
  return basis;
};

const valueAt = (polynomial: Polynomial, u: number): number =>
  polynomial.reduceRight((value, coefficient) => value * u + coefficient, 0);

const slopeAt = (polynomial: Polynomial, u: number): number =>
  valueAt(
    polynomial.slice(1).map((coefficient, index) => coefficient * (index + 1)),
    u,
  );

/** The least float64 above `value`. */
const nextAfter = (value: number): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value === 0 ? Number.MIN_VALUE : value);
  if (value !== 0) view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
};

/** A `BSpline` of scipy as polynomials between its knots. A linear extrapolation, and the refusal of one, are a piece on either side. */
export const readSplines = (spline: Estimator, extrapolation: string) => {
  const knots = spline.vector('t', '_t');
  const { rows, columns, values } = spline.matrix('c', '_c');
  const degree = spline.number('k');
  const [first = 0, last = 0] = [knots[degree], knots[knots.length - degree - 1]];
  const starts = [...knots.keys()].filter(
    (index) => index >= degree && index < knots.length - degree - 1 && (knots[index] ?? 0) < (knots[index + 1] ?? 0),
  );
  const pieces = starts.map((start): Piece => {
    const basis = basisOn(knots, degree, start);
    const splines = Array.from({ length: columns }, (_, column) =>
      Array.from({ length: rows }, (_row, row) => row).reduce<Polynomial>((sum, row) => {
        const weight = values[row * columns + column] ?? 0;
        return weight === 0
          ? sum
          : add(
              sum,
              (basis[row] ?? []).map((coefficient) => coefficient * weight),
            );
      }, []),
    );
    return { origin: knots[start] ?? 0, splines };
  });
  const outside = (piece: Piece | undefined, end: number): Piece => ({
    origin: end,
    splines: (piece?.splines ?? []).map((spline_) => {
      if (extrapolation === 'error') return [Number.NaN];
      const u = end - (piece?.origin ?? 0);
      return [valueAt(spline_, u), slopeAt(spline_, u)];
    }),
  });
  const hasOutside = extrapolation === 'linear' || extrapolation === 'error';
  return {
    ...{ first, last, columns, degree },
    bounds: [
      ...(hasOutside ? [first] : []),
      ...pieces.slice(1).map(({ origin }) => origin),
      ...(hasOutside ? [nextAfter(last)] : []),
    ],
    pieces: hasOutside ? [outside(pieces[0], first), ...pieces, outside(pieces.at(-1), last)] : pieces,
  };
};

export type Splines = ReturnType<typeof readSplines>;
