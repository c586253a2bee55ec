import { allocate, bytesOf, DTYPES, type DType, elementCount, type Tensor, tensor } from '../core/tensor.ts';
import { type Chunks, toField, toIntegerField } from './chunks.ts';
import { readEntry } from './entry.ts';
import { fields, readIntegers } from './protobuf.ts';
import { DIMENSION, EXTERNAL, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';

/** Numbers of `TensorProto.DataType`. */
export const DATA_TYPES: Readonly<Record<DType, number>> = {
  ...{ float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9 },
  ...{ float16: 10, float64: 11, uint32: 12, uint64: 13 },
};

/** The fields of a `TensorProto`. Numbers are views of the tensor's array. @throws `RangeError` if the shape has another number of elements */
export const encodeTensor = ({ dtype, shape, data }: Tensor, name?: string): Chunks => {
  if (data.length !== elementCount(shape))
    throw new RangeError(`tensor ${name ?? ''} ${dtype}[${shape.join(',')}] has ${data.length} elements`);
  return [
    ...shape.flatMap((size) => toIntegerField(TENSOR.dimensions, size)),
    ...toIntegerField(TENSOR.dataType, DATA_TYPES[dtype]),
    ...(name === undefined ? [] : toField(TENSOR.name, name)),
    ...('buffer' in data
      ? toField(TENSOR.rawData, [bytesOf(data)])
      : [Buffer.concat(data.flatMap((text) => toField(TENSOR.strings, text)))]),
  ];
};

/** The data type of a number of `TensorProto.DataType`; undefined for a type that the project does not know, such as bfloat16. */
export const dtypeOf = (dataType: number): DType | undefined => DTYPES.find((dtype) => DATA_TYPES[dtype] === dataType);

/** Weights of a file. Their numbers are decoded at `read`. */
export interface Weights {
  readonly name: string;
  readonly shape: readonly number[];
  /** Undefined for a type that the project does not know. */
  readonly dtype: DType | undefined;
  /** The fields of the `TensorProto`. */
  readonly encoded: Chunks;
  /** The entries `location`, `offset`, `length` of weights in another file. */
  readonly external?: ReadonlyMap<string, string>;
  /** @throws `RangeError` for weights in another file, of an unknown type, or of another number of elements than `shape` says */
  read(): Tensor;
}

/** Weights of `content`, for editors. */
export const weightsOf = (name: string, content: Tensor): Weights => {
  const { dtype, shape } = content;
  return { name, shape, dtype, encoded: encodeTensor(content, name), read: () => content };
};

/** Fields of numbers that stand in no raw bytes, by data type: `int32_data` holds all types of at most 32 bits. */
const readListed = (message: Buffer, { dtype, shape }: { dtype: DType; shape: readonly number[] }): Tensor => {
  const all = [...fields(message)];
  const content = (wanted: number): Buffer =>
    Buffer.concat(all.filter(({ number }) => number === wanted).map(({ value }) => value));
  if (dtype === 'string')
    return tensor(
      dtype,
      shape,
      all.filter(({ number }) => number === TENSOR.strings).map(({ value }) => value.toString()),
    );
  if (dtype === 'float32') return fromRaw(dtype, shape, content(TENSOR.floats));
  if (dtype === 'float64') return fromRaw(dtype, shape, content(TENSOR.doubles));
  const isWide = dtype === 'int64' || dtype === 'uint64' || dtype === 'uint32';
  const integers = readIntegers(
    content(dtype === 'int64' ? TENSOR.integers64 : isWide ? TENSOR.unsignedIntegers64 : TENSOR.integers32),
  );
  if (dtype === 'int64') return tensor(dtype, shape, BigInt64Array.from(integers));
  if (dtype === 'uint64') return tensor(dtype, shape, BigUint64Array.from(integers));
  const data = allocate(dtype, integers.length);
  data.set(integers.map(Number));
  return tensor<DType>(dtype, shape, data);
};

/** Copies the bytes, which stand at any place of the file, to where an array may begin. */
const fromRaw = (dtype: Exclude<DType, 'string'>, shape: readonly number[], bytes: Uint8Array): Tensor => {
  const data = allocate(dtype, Math.floor(bytes.byteLength / allocate(dtype, 1).BYTES_PER_ELEMENT));
  bytesOf(data).set(bytes.subarray(0, data.byteLength));
  return tensor<DType>(dtype, shape, data);
};

/** Fields of a `TensorProto` that hold its elements. */
export const ELEMENT_FIELDS: readonly number[] = [
  TENSOR.floats,
  TENSOR.integers32,
  TENSOR.strings,
  TENSOR.integers64,
  TENSOR.rawData,
  TENSOR.doubles,
  TENSOR.unsignedIntegers64,
];

/** The weights of a `TensorProto`. @throws `RangeError` when the message is damaged */
export const decodeWeights = (message: Buffer): Weights => {
  const shape: number[] = [];
  const external = new Map<string, string>();
  let [name, dataType, isExternal] = ['', 0, false];
  let raw: Buffer | undefined;
  for (const { number, value } of fields(message)) {
    if (number === TENSOR.dimensions) shape.push(...readIntegers(value).map(Number));
    else if (number === TENSOR.dataType) dataType = Number(readIntegers(value)[0] ?? 0n);
    else if (number === TENSOR.name) name = value.toString();
    else if (number === TENSOR.rawData) raw = value;
    else if (number === TENSOR.externalData) external.set(...readEntry(value));
    else if (number === TENSOR.dataLocation) isExternal = value[0] === EXTERNAL;
  }
  const dtype = dtypeOf(dataType);
  const read = (): Tensor => {
    if (isExternal) throw new RangeError(`the weights ${name} are in another file`);
    if (dtype === undefined) throw new RangeError(`the weights ${name} have the data type ${dataType}`);
    const found =
      raw !== undefined && dtype !== 'string' ? fromRaw(dtype, shape, raw) : readListed(message, { dtype, shape });
    if (found.data.length === elementCount(shape)) return found;
    throw new RangeError(`the weights ${name} have ${found.data.length} elements, their shape is [${shape.join(',')}]`);
  };
  return { name, shape, dtype, encoded: [message], ...(isExternal && { external }), read };
};

/** An input or an output of a graph. */
export interface ValueInfo {
  readonly name: string;
  /** The fields of the `ValueInfoProto`. */
  readonly encoded: Chunks;
}

/** @throws `RangeError` when the message is damaged */
export const decodeValueInfo = (message: Buffer): ValueInfo => {
  const name = [...fields(message)].findLast(({ number }) => number === VALUE_INFO.name);
  return { name: name?.value.toString() ?? '', encoded: [message] };
};

/**
 * The fields of a `ValueInfoProto`. A string is a symbolic dimension, an empty one a dimension without a name. Without `shape`, the number of
 * dimensions is open.
 */
export const encodeValueInfo = (name: string, dtype: DType, shape?: readonly (number | string)[]): Chunks => {
  const dimensions = shape?.flatMap((size) => {
    if (typeof size === 'number') return toField(SHAPE.dimension, toIntegerField(DIMENSION.value, size));
    return toField(SHAPE.dimension, size === '' ? [] : toField(DIMENSION.parameter, size));
  });
  const content = [
    ...toIntegerField(TENSOR_TYPE.elementType, DATA_TYPES[dtype]),
    ...(dimensions === undefined ? [] : toField(TENSOR_TYPE.shape, dimensions)),
  ];
  return [...toField(VALUE_INFO.name, name), ...toField(VALUE_INFO.type, toField(TYPE.tensor, content))];
};
