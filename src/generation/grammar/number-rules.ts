/** Digits of a number in all: as many as a float64 tells apart. */
const MOST_DIGITS = 15;
/** Digits behind the point beyond those of the limits. */
const FINER_DIGITS = 2;

/** Limits of a number; each may be left out. */
export interface NumberLimits {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
}

/** The digits of numbers from `low` to `high`, which have as many. `point` digits stand behind the point. */
const between = (low: string, high: string, point: number): string => {
  const [first = '', last = ''] = [low.slice(0, 1), high.slice(0, 1)];
  if (first === '') return '""';
  const dot = low.length === point ? '"." ' : '';
  const [rest, others] = [low.slice(1), high.slice(1)];
  const [zeros, nines] = [rest.replaceAll(/\d/g, '0'), rest.replaceAll(/\d/g, '9')];
  const digits = (from: number, to: number, tail: string): string =>
    from > to ? '' : `${dot}${from === to ? `"${from}"` : `[${from}-${to}]`} (${tail})`;
  if (rest === '') return digits(Number(first), Number(last), '""');
  if (first === last) return digits(Number(first), Number(first), between(rest, others, point));
  const isLowWhole = rest === zeros;
  const isHighWhole = others === nines;
  return [
    isLowWhole ? '' : digits(Number(first), Number(first), between(rest, nines, point)),
    digits(Number(first) + (isLowWhole ? 0 : 1), Number(last) - (isHighWhole ? 0 : 1), between(zeros, nines, point)),
    isHighWhole ? '' : digits(Number(last), Number(last), between(zeros, others, point)),
  ]
    .filter((alternative) => alternative !== '')
    .join(' | ');
};

/** The texts of whole numbers from `low` to `high`, none negative, of `point` digits behind the point. */
const magnitudes = (low: bigint, high: bigint, point: number): string[] => {
  if (low > high) return [];
  const alternatives: string[] = [];
  const longest = high.toString().padStart(point + 1, '0').length;
  for (let length = point + 1; length <= longest; length += 1) {
    const least = length === point + 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    const [from, to] = [low > least ? low : least, high < most ? high : most];
    if (from <= to)
      alternatives.push(between(from.toString().padStart(length, '0'), to.toString().padStart(length, '0'), point));
  }
  return alternatives;
};

/** A number as whole units of 10^-point, rounded down, and whether anything was cut. Exact: by the shortest decimal of the number. */
const toUnits = (value: number, point: number): { readonly units: bigint; readonly isExact: boolean } => {
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value)) ?? [];
  const shift = point + Number(exponent) - fraction.length;
  const digits = BigInt(sign + whole + fraction);
  if (shift >= 0) return { units: digits * 10n ** BigInt(shift), isExact: true };
  const scale = 10n ** BigInt(-shift);
  const isExact = digits % scale === 0n;
  return { units: digits / scale - (digits < 0n && !isExact ? 1n : 0n), isExact };
};

const decimalsOf = (value: number | undefined): number => {
  if (value === undefined || Number.isInteger(value)) return 0;
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value)) ?? [];
  return Math.max(0, fraction.length - Number(exponent));
};

/** The least and the largest number within the limits, in units of 10^-point. */
const rangeOf = (limits: NumberLimits, point: number): readonly [low: bigint, high: bigint] => {
  const farthest = 10n ** BigInt(MOST_DIGITS) - 1n;
  const lows = [-farthest];
  const highs = [farthest];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = limits;
  const ceil = (value: number): bigint => -toUnits(-value, point).units;
  if (minimum !== undefined) lows.push(ceil(minimum));
  if (exclusiveMinimum !== undefined) lows.push(toUnits(exclusiveMinimum, point).units + 1n);
  if (maximum !== undefined) highs.push(toUnits(maximum, point).units);
  if (exclusiveMaximum !== undefined) highs.push(ceil(exclusiveMaximum) - 1n);
  const ascending = (a: bigint, b: bigint): number => Number(a > b) - Number(a < b);
  return [lows.toSorted(ascending).at(-1) ?? 0n, highs.toSorted(ascending)[0] ?? 0n];
};

/** The texts of the numbers within the limits, with `point` digits behind the point. */
const withPoint = (limits: NumberLimits, point: number): string[] => {
  const [low, high] = rangeOf(limits, point);
  const negative = magnitudes(high < 0n ? -high : 1n, -low, point).map((digits) => `"-" (${digits})`);
  return [...negative, ...magnitudes(low > 0n ? low : 0n, high, point)];
};

/** The numbers within the limits, as the body of a rule; undefined when there are none. Fractions have two digits more than the limits. */
export const numberRule = (limits: NumberLimits, isInteger: boolean): string | undefined => {
  const finest = isInteger
    ? 0
    : Math.min(MOST_DIGITS, Math.max(...Object.values(limits).map(decimalsOf)) + FINER_DIGITS);
  const alternatives = Array.from({ length: finest + 1 }, (_, point) => withPoint(limits, point)).flat();
  return alternatives.length === 0 ? undefined : alternatives.map((digits) => `(${digits})`).join(' | ');
};
