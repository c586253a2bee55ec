/** Digits that name every float32. */
const MOST_DIGITS = 9;
/** Further decimal places that are tried. Powers of two need the second: the float32 below them is twice as near as the one above. */
const MORE_DIGITS = 2;
/** Bits of the fraction of a float32, and the bias of its exponent. */
const [FRACTION_BITS, BIAS] = [23, 127];
/** Powers of ten up to this one are exact in float64, so that a product and a quotient are rounded once. */
const LARGEST_POWER = 22;

/** Integers below it have at most nine digits. */
const MOST_INTEGER = 1e9;

const POWERS = Float64Array.from({ length: LARGEST_POWER + 1 }, (_, exponent) => 10 ** exponent);

/**
 * By exponent of a float32, the number of decimal places to begin with; -1 where its power of ten is not exact. Decimals of that many places
 * are no closer together than float32 numbers are, so that rounding to them finds any text with fewer digits.
 */
const SHIFTS = Int8Array.from({ length: 256 }, (_, exponent) => {
  const shift = Math.floor(Math.log10(2) * (BIAS + FRACTION_BITS - exponent));
  return exponent > 0 && shift >= 0 && shift + MORE_DIGITS <= LARGEST_POWER ? shift : -1;
});

/** For very large and very small numbers. */
const slowly = (value: number): number => {
  for (let digits = 1; digits < MOST_DIGITS; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(MOST_DIGITS));
};

/** The number that `shorten` found last, as `significand / 10 ** power`. */
let [significand, power] = [0, 0];

/** Finds the fewest digits of a positive float32; its sign may be set in `bits`. Returns false where only `slowly` finds them. */
const shorten = (value: number, bits: number): boolean => {
  const shift = SHIFTS[(bits >>> 23) & 255] ?? -1;
  if (shift < 0) return false;
  for (power = shift; power <= shift + MORE_DIGITS; power += 1) {
    const scale = POWERS[power] ?? 1;
    significand = Math.round(value * scale);
    if (Math.fround(significand / scale) === value) return true;
  }
  return false;
};

const isShortInteger = (size: number): boolean => Number.isInteger(size) && size < MOST_INTEGER;

const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length);

const toShortest = (value: number, bits: number): number => {
  const size = Math.abs(value);
  if (isShortInteger(size) || !Number.isFinite(size)) return value;
  const double = shorten(size, bits) ? significand / (POWERS[power] ?? 1) : slowly(size);
  return value < 0 ? -double : double;
};

const single = new Float32Array(1);
const singleBits = bitsOf(single);

/** The float64 number with the shortest text that gives the same float32 when it is read: 0.1 for the float32 that is 0.10000000149011612. */
export const shortestDouble = (value: number): number => {
  single[0] = value;
  return toShortest(value, singleBits[0] ?? 0);
};

/** See `shortestDouble`. A value that is not finite stays. */
export const shortestDoubles = (values: Float32Array): Float64Array => {
  const bits = bitsOf(values);
  const doubles = new Float64Array(values.length);
  for (let index = 0; index < values.length; index += 1)
    doubles[index] = toShortest(values[index] ?? 0, bits[index] ?? 0);
  return doubles;
};

/** Most bytes of a number and its comma: 1e9 to 1e21 are written without an exponent. */
const MOST_BYTES = 24;
/** Numbers that are written before their bytes become a string. */
const BLOCK = 4096;
/** Most zeros behind the point of a number without an exponent, as in all of JavaScript. */
const MOST_ZEROS = 5;
const [MINUS = 0, COMMA = 0, POINT = 0, ZERO = 0, E = 0] = Buffer.from('-,.0e');

/** Writes `count` digits of a whole number below 2³¹. Returns where they end. */
const writeDigits = (to: Buffer, at: number, whole: number, count: number): number => {
  let rest = whole | 0;
  for (let place = at + count - 1; place >= at; place -= 1) {
    const tenth = (rest / 10) | 0;
    to[place] = ZERO + rest - 10 * tenth;
    rest = tenth;
  }
  return at + count;
};

const countDigits = (whole: number): number => {
  let count = 1;
  while (whole >= (POWERS[count] ?? 1)) count += 1;
  return count;
};

/** Writes what `shorten` found, a number with decimal places, without its sign, as JavaScript writes it. Returns where it ends. */
const writeShortened = (to: Buffer, start: number): number => {
  let [whole, places, at] = [significand, power, start];
  while (whole % 10 === 0) [whole, places] = [whole / 10, places - 1];
  const count = countDigits(whole);
  const scale = POWERS[places] ?? 1;
  if (count > places) {
    const before = Math.floor(whole / scale);
    at = writeDigits(to, at, before, count - places);
    to[at] = POINT;
    return writeDigits(to, at + 1, whole - before * scale, places);
  }
  if (places - count <= MOST_ZEROS) {
    to[at] = ZERO;
    to[at + 1] = POINT;
    return writeDigits(to, at + 2, whole, places);
  }
  const behind = POWERS[count - 1] ?? 1;
  const first = Math.floor(whole / behind);
  to[at] = ZERO + first;
  at += 1;
  if (count > 1) {
    to[at] = POINT;
    at = writeDigits(to, at + 1, whole - first * behind, count - 1);
  }
  to[at] = E;
  to[at + 1] = MINUS;
  return writeDigits(to, at + 2, places - count + 1, countDigits(places - count + 1));
};

const writeNumber = (to: Buffer, start: number, value: number, bits: number): number => {
  if (!Number.isFinite(value)) return start + to.write('null', start, 'latin1');
  let at = start;
  if (bits >>> 31 === 1) {
    to[at] = MINUS;
    at += 1;
  }
  const size = Math.abs(value);
  if (isShortInteger(size)) return writeDigits(to, at, size, countDigits(size));
  if (shorten(size, bits)) return writeShortened(to, at);
  return at + to.write(String(slowly(size)), at, 'latin1');
};

/**
 * The shortest texts that give the same float32 when they are read, with commas between them. A value that is not finite becomes null,
 * as JSON has no word for it.
 */
export const shortestTexts = (values: Float32Array): string => {
  const bits = bitsOf(values);
  const bytes = Buffer.allocUnsafe(Math.min(values.length, BLOCK) * MOST_BYTES);
  let [text, at] = ['', 0];
  for (let index = 0; index < values.length; index += 1) {
    at = writeNumber(bytes, at, values[index] ?? 0, bits[index] ?? 0);
    if (index % BLOCK < BLOCK - 1 && index < values.length - 1) {
      bytes[at] = COMMA;
      at += 1;
      continue;
    }
    text += `${bytes.toString('latin1', 0, at)}${index < values.length - 1 ? ',' : ''}`;
    at = 0;
  }
  return text;
};
