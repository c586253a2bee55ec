import { type DType, type Tensor, tensor } from '../core/tensor.ts';
import { type Field, fields, readIntegers } from './protobuf.ts';
import { TENSOR } from './schema.ts';

/** Types of `TensorProto` that a tensor here can have, by number; float16 is left out. */
export const ELEMENT_TYPES: ReadonlyMap<number, DType> = new Map([
  ...([
    [1, 'float32'],
    [2, 'uint8'],
    [3, 'int8'],
    [4, 'uint16'],
    [5, 'int16'],
    [6, 'int32'],
    [7, 'int64'],
  ] as const),
  ...([
    [8, 'string'],
    [9, 'bool'],
    [11, 'float64'],
    [12, 'uint32'],
    [13, 'uint64'],
  ] as const),
]);

const bytesIn = (all: readonly Field[], number: number): Buffer =>
  Buffer.concat(all.filter((field) => field.number === number).map(({ value }) => value));

/** The shape and the elements of a `TensorProto` as fields: numbers as raw bytes, or in a field of their type. */
const readData = (dtype: DType, shape: readonly number[], all: readonly Field[]): Tensor | undefined => {
  const raw = all.some(({ number }) => number === TENSOR.rawData) ? bytesIn(all, TENSOR.rawData) : undefined;
  const buffer = (number: number): ArrayBuffer => Uint8Array.from(raw ?? bytesIn(all, number)).buffer; // aligned
  const integers = (number: number): number[] => readIntegers(bytesIn(all, number)).map(Number);
  switch (dtype) {
    case 'string':
      return tensor(
        dtype,
        shape,
        all.filter(({ number }) => number === TENSOR.strings).map(({ value }) => value.toString()),
      );
    case 'float32':
      return tensor(dtype, shape, new Float32Array(buffer(TENSOR.floats)));
    case 'float64':
      return tensor(dtype, shape, new Float64Array(buffer(TENSOR.doubles)));
    case 'int64':
      return tensor(
        dtype,
        shape,
        raw ? new BigInt64Array(buffer(0)) : BigInt64Array.from(readIntegers(bytesIn(all, TENSOR.int64s))),
      );
    case 'uint64':
      return tensor(
        dtype,
        shape,
        raw ? new BigUint64Array(buffer(0)) : BigUint64Array.from(readIntegers(bytesIn(all, TENSOR.uint64s))),
      );
    case 'uint32':
      return tensor(dtype, shape, raw ? new Uint32Array(buffer(0)) : Uint32Array.from(integers(TENSOR.uint64s)));
    case 'int32':
      return tensor(dtype, shape, raw ? new Int32Array(buffer(0)) : Int32Array.from(integers(TENSOR.int32s)));
    case 'int16':
      return tensor(dtype, shape, raw ? new Int16Array(buffer(0)) : Int16Array.from(integers(TENSOR.int32s)));
    case 'uint16':
      return tensor(dtype, shape, raw ? new Uint16Array(buffer(0)) : Uint16Array.from(integers(TENSOR.int32s)));
    case 'int8':
      return tensor(dtype, shape, raw ? new Int8Array(buffer(0)) : Int8Array.from(integers(TENSOR.int32s)));
    case 'uint8':
    case 'bool':
      return tensor(dtype, shape, raw ? new Uint8Array(buffer(0)) : Uint8Array.from(integers(TENSOR.int32s)));
    default:
      return undefined;
  }
};

/** The sizes of a `TensorProto`. */
export const readShape = (message: Buffer): number[] =>
  readIntegers(bytesIn([...fields(message)], TENSOR.dimensions)).map(Number);

/** The tensor of a `TensorProto`; undefined for one of another type, and for one whose elements lie in a file of their own. */
export const readTensor = (message: Buffer): Tensor | undefined => {
  const all = [...fields(message)];
  const code = Number(readIntegers(bytesIn(all, TENSOR.dataType)).at(-1) ?? 0n);
  const dtype = ELEMENT_TYPES.get(code);
  const isElsewhere = all.some(({ number }) => number === TENSOR.externalData);
  if (dtype === undefined || isElsewhere) return undefined;
  return readData(dtype, readIntegers(bytesIn(all, TENSOR.dimensions)).map(Number), all);
};
