import { elementCount } from '../../core/tensor.ts';
import type { NumpyArray, NumpyType, PyValue } from './values.ts';

type ReadNumber = (view: DataView, offset: number, isLittleEndian: boolean) => number;

/** The value of an IEEE 754 half-precision number. */
const fromHalf = (bits: number): number => {
  const [exponent, fraction, sign] = [(bits >> 10) & 31, bits & 1023, bits >> 15 === 0 ? 1 : -1];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** By kind of numpy. A 64-bit integer beyond 2^53 loses digits, as it does when numpy makes a float64 of it. */
const READERS: Readonly<Record<string, ReadNumber>> = {
  f8: (view, offset, little) => view.getFloat64(offset, little),
  f4: (view, offset, little) => view.getFloat32(offset, little),
  f2: (view, offset, little) => fromHalf(view.getUint16(offset, little)),
  i8: (view, offset, little) => Number(view.getBigInt64(offset, little)),
  u8: (view, offset, little) => Number(view.getBigUint64(offset, little)),
  i4: (view, offset, little) => view.getInt32(offset, little),
  u4: (view, offset, little) => view.getUint32(offset, little),
  i2: (view, offset, little) => view.getInt16(offset, little),
  u2: (view, offset, little) => view.getUint16(offset, little),
  i1: (view, offset) => view.getInt8(offset),
  u1: (view, offset) => view.getUint8(offset),
  b1: (view, offset) => view.getUint8(offset),
};

/** The place in memory of each element, in the order of C. */
function* placesOf({ shape, isFortran }: NumpyArray): Generator<number> {
  const count = elementCount(shape);
  for (let index = 0; index < count; index += 1) {
    let [rest, place] = [index, 0];
    if (isFortran)
      for (const size of shape.toReversed()) {
        place = place * size + (rest % size);
        rest = Math.floor(rest / size);
      }
    yield isFortran ? place : index;
  }
}

const readColumn = (array: NumpyArray, { kind, isBigEndian }: NumpyType, offset: number): Float64Array | undefined => {
  const read = READERS[kind];
  const { content, type, shape } = array;
  if (read === undefined || !(content instanceof Uint8Array)) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const numbers = new Float64Array(elementCount(shape));
  let index = 0;
  for (const place of placesOf(array)) numbers[index++] = read(view, place * type.bytes + offset, !isBigEndian);
  return numbers;
};

/** The numbers of an array in the order of C; booleans as 0 and 1; undefined for an array of anything else. */
export const numbersOf = (array: NumpyArray): Float64Array | undefined => {
  if (array.content instanceof Uint8Array) return readColumn(array, array.type, 0);
  const numbers = itemsOf(array).map((item) =>
    typeof item === 'bigint' || typeof item === 'boolean' ? Number(item) : item,
  );
  return numbers.every((item) => typeof item === 'number') ? Float64Array.from(numbers) : undefined;
};

/** The numbers in the field `name` of an array of records; undefined when there is no such field. */
export const fieldOf = (array: NumpyArray, name: string): Float64Array | undefined => {
  const field = array.type.fields?.get(name);
  return field && readColumn(array, field.type, field.offset);
};

const readText = (bytes: Uint8Array, { kind, isBigEndian }: NumpyType): string => {
  if (kind.startsWith('S')) return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const points = Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(index * 4, !isBigEndian));
  return String.fromCodePoint(...points.slice(0, points.findLastIndex((point) => point !== 0) + 1));
};

/** The elements of an array in the order of C, each as Python has it. */
export const itemsOf = (array: NumpyArray): readonly PyValue[] => {
  const { content, type } = array;
  if (!(content instanceof Uint8Array)) return [...placesOf(array)].map((place) => content[place] ?? null);
  if (/^[US]/.test(type.kind))
    return [...placesOf(array)].map((place) =>
      readText(content.subarray(place * type.bytes, (place + 1) * type.bytes), type),
    );
  const numbers = Array.from(readColumn(array, type, 0) ?? []);
  return type.kind === 'b1' ? numbers.map((number) => number !== 0) : numbers;
};
