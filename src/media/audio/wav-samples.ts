/** Reads one sample at a byte offset; `isLittle` tells that its lowest byte comes first. */
export type ReadSample = (view: DataView, at: number, isLittle: boolean) => number;

const read24Bits: ReadSample = (view, at, isLittle) =>
  view.getInt8(isLittle ? at + 2 : at) * 2 ** 16 + view.getUint16(isLittle ? at : at + 1, isLittle);

const PCM: Readonly<Record<number, ReadSample>> = {
  1: (view, at) => (view.getUint8(at) - 128) / 128, // the only format without a sign
  2: (view, at, isLittle) => view.getInt16(at, isLittle) / 2 ** 15,
  3: (view, at, isLittle) => read24Bits(view, at, isLittle) / 2 ** 23,
  4: (view, at, isLittle) => view.getInt32(at, isLittle) / 2 ** 31,
};

const FLOAT: Readonly<Record<number, ReadSample>> = {
  4: (view, at, isLittle) => view.getFloat32(at, isLittle),
  8: (view, at, isLittle) => view.getFloat64(at, isLittle),
};

/** ITU-T G.711: sign, three bits of exponent, four of mantissa, even bits inverted. */
const fromALaw = (code: number): number => {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (bits & 0x80 ? magnitude : -magnitude) / 2 ** 15;
};

/** ITU-T G.711: as A-law, all bits inverted and biased by 132. */
const fromMuLaw = (code: number): number => {
  const bits = ~code;
  const magnitude = ((((bits & 15) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 0x80 ? -magnitude : magnitude) / 2 ** 15;
};

/** By the format's number and the bytes of a sample. */
const READERS: Readonly<Record<number, Readonly<Record<number, ReadSample>>>> = {
  1: PCM,
  3: FLOAT,
  6: { 1: (view, at) => fromALaw(view.getUint8(at)) },
  7: { 1: (view, at) => fromMuLaw(view.getUint8(at)) },
};

/** The reader of samples of `sampleBytes` bytes in the WAVE format `tag`; undefined for samples that are not decoded here. */
export const findReader = (tag: number, sampleBytes: number): ReadSample | undefined => READERS[tag]?.[sampleBytes];
