import { show } from '../../core/show.ts';

/** Classes of HDF5 types, `H5T_class_t`. https://docs.hdfgroup.org/hdf5/v1_14/_h5_tpublic_8h.html */
export const HDF5_TYPES = { integer: 0, float: 1, string: 3, opaque: 5 } as const;

const HALF_FRACTION = 1024;

/** IEEE 754 half precision, as float32. */
const fromHalf = (bits: number): number => {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / HALF_FRACTION) % 32;
  const fraction = bits % HALF_FRACTION;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / HALF_FRACTION) * 2 ** (exponent - 15);
};

/** bfloat16 is the upper half of a float32. */
const fromBrainFloats = (bytes: Uint8Array): Float32Array => {
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return new Float32Array(Uint32Array.from(bits, (each) => each * 65536).buffer);
};

type Decode = (bytes: Uint8Array) => Float32Array;

const numbersIn =
  (View: new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayLike<number>, size: number): Decode =>
  ({ buffer, byteOffset, byteLength }) =>
    Float32Array.from(new View(buffer, byteOffset, byteLength / size));

/** Decoders by class, size in bytes, and sign of an integer. A library in between has made the bytes little-endian. */
const DECODERS: Readonly<Record<string, Decode>> = {
  [`${HDF5_TYPES.float} 4`]: ({ buffer, byteOffset, byteLength }) =>
    new Float32Array(buffer, byteOffset, byteLength / 4),
  [`${HDF5_TYPES.float} 8`]: numbersIn(Float64Array, 8),
  [`${HDF5_TYPES.float} 2`]: (bytes) =>
    Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2), fromHalf),
  [`${HDF5_TYPES.opaque} 2`]: fromBrainFloats,
  [`${HDF5_TYPES.integer} 1`]: numbersIn(Int8Array, 1),
  [`${HDF5_TYPES.integer} 4`]: numbersIn(Int32Array, 4),
  [`${HDF5_TYPES.integer} 8`]: ({ buffer, byteOffset, byteLength }) =>
    Float32Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number),
};

/** Tells whether Keras writes weights of this type: floats, and integers such as counts of steps. */
export const isWeightType = (type: number, size: number): boolean => DECODERS[`${type} ${size}`] !== undefined;

/** The numbers of an array in HDF5 as float32. `bytes` start at a multiple of their elements' size. */
export const decodeFloats = (type: number, size: number, bytes: Uint8Array): Float32Array => {
  const decode = DECODERS[`${type} ${size}`];
  if (decode === undefined) throw new RangeError(`type ${show(type)} of ${size} bytes`);
  return decode(bytes);
};
