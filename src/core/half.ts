/** The value of an IEEE 754 half-precision number. */
export const fromHalf = (bits: number): number => {
  const [exponent, fraction, sign] = [(bits >> 10) & 31, bits & 1023, bits >> 15 === 0 ? 1 : -1];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** Drops the last `count` bits, to the nearest number, and from the middle to the even one. */
const dropBits = (value: number, count: number): number => {
  const [kept, rest, middle] = [value >>> count, value & ((1 << count) - 1), 1 << (count - 1)];
  return kept + Number(rest > middle || (rest === middle && kept % 2 === 1));
};

/** The bits of the half-precision number that is nearest to a float32; beyond 65,504 an infinity. */
export const toHalf = (value: number): number => {
  single[0] = value;
  const [bits = 0] = singleBits;
  const sign = (bits >>> 16) & 0x8000;
  const [exponent, fraction] = [((bits >>> 23) & 255) - 112, bits & 0x7f_ffff];
  if (exponent === 143) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  if (exponent <= 0) return sign | dropBits(fraction | 0x80_0000, 14 - exponent);
  return sign | ((exponent << 10) + dropBits(fraction, 13)); // a carry goes into the exponent, as it should
};
