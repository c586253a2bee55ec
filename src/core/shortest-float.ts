/** Digits that name every float32, and the fewest that are tried. */
const [MOST_DIGITS, FEWEST_DIGITS] = [9, 7];
/** Powers of ten up to this one are exact in float64, so that a product and a quotient are rounded once. */
const LARGEST_POWER = 22;

/** Integers below it have at most nine digits. */
const MOST_INTEGER = 1e9;

const POWERS = Float64Array.from({ length: LARGEST_POWER + 1 }, (_, exponent) => 10 ** exponent);

/** By exponent of a float32, the power of ten that moves seven digits before the point; -1 where such a power is not exact. */
const SHIFTS = Int8Array.from({ length: 256 }, (_, exponent) => {
  const shift = FEWEST_DIGITS - 1 - Math.floor(Math.log10(2) * (exponent - 127));
  return exponent > 0 && shift >= 0 && shift + MOST_DIGITS - FEWEST_DIGITS <= LARGEST_POWER ? shift : -1;
});

/** For very large and very small numbers. */
const slowly = (value: number): number => {
  for (let digits = 1; digits < MOST_DIGITS; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(MOST_DIGITS));
};

/**
 * Float64 numbers whose text is short, and gives the same float32 when it is read: 0.1 for the float32 that is 0.10000000149011612.
 * A value that is not finite stays.
 */
export const shortestDoubles = (values: Float32Array): Float64Array => {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const doubles = new Float64Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if ((Number.isInteger(value) && Math.abs(value) < MOST_INTEGER) || !Number.isFinite(value)) {
      doubles[index] = value;
      continue;
    }
    const shift = SHIFTS[((bits[index] ?? 0) >>> 23) & 255] ?? -1;
    let candidate = Number.NaN;
    for (let power = shift; power >= 0 && power <= shift + MOST_DIGITS - FEWEST_DIGITS; power += 1) {
      const scale = POWERS[power] ?? 1;
      candidate = Math.round(value * scale) / scale;
      if (Math.fround(candidate) === value) break;
    }
    doubles[index] = Math.fround(candidate) === value ? candidate : slowly(value);
  }
  return doubles;
};
