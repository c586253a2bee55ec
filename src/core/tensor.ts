import { ServingError } from './errors.ts';
import { setOwn } from './set-own.ts';

/** The type of array for each data type; float16 holds raw IEEE 754 half-precision bits. */
export interface Storage {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: readonly string[];
}

/** A data type by its name in onnxruntime. */
export type DType = keyof Storage;

export const DTYPES: readonly DType[] = [
  ...(['float32', 'float64', 'float16', 'int8', 'int16', 'int32', 'int64'] as const),
  ...(['uint8', 'uint16', 'uint32', 'uint64', 'bool', 'string'] as const),
];

export const isDType = (name: string): name is DType => DTYPES.some((dtype) => dtype === name);

/** A dense, row-major tensor. Invariant: `data.length` equals the product of `shape`. */
export type Tensor<D extends DType = DType> = {
  [K in D]: { readonly dtype: K; readonly shape: readonly number[]; readonly data: Storage[K] };
}[D];

/** A tensor of `data`, which it keeps and does not copy. */
export const tensor = <D extends DType>(dtype: D, shape: readonly number[], data: Storage[D]): Tensor<D> => ({
  dtype,
  shape,
  data,
});

/** Tensors by the name of the graph's input or output. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** `tensors` under the same names, each replaced by the tensor that `replace` returns for it. */
export const mapTensors = (tensors: Tensors, replace: (tensor: Tensor, name: string) => Tensor): Tensors => {
  const replaced: Record<string, Tensor> = {};
  for (const name of Object.keys(tensors)) {
    const each = tensors[name];
    if (each !== undefined) setOwn(replaced, name, replace(each, name));
  }
  return replaced;
};

/**
 * The tensor `name` of `tensors`, of data type `dtype`.
 * @throws `INTERNAL` when there is no such tensor, or it has another data type: the graph was checked when it was loaded
 */
export const tensorOf = <D extends DType>(tensors: Tensors, name: string, dtype: D): Tensor<D> => {
  const found = tensors[name];
  if (found !== undefined && hasDType(found, dtype)) return found;
  throw new ServingError('INTERNAL', `tensor "${name}" is ${found?.dtype ?? 'missing'}, expected ${dtype}`);
};

const hasDType = <D extends DType>(
  candidate: Tensor,
  dtype: D,
): candidate is Extract<Tensor, { dtype: D }> & Tensor<D> => candidate.dtype === dtype;

/** A table in which the elements of an input are indices, or lead to indices. */
export interface Lookup {
  /** Its size: one for all elements, or one for each place in the last dimension of the input. It may be that of another input. */
  readonly sizes: readonly (number | { readonly input: string; readonly axis: number })[];
  /** True where -1 is the last index. */
  readonly fromEnd: boolean;
  /** Given where the index is an element × factor + offset. */
  readonly linear?: { readonly factor: number; readonly offset: number };
  /** The operator that takes the indices, where the graph computes them of the input in any other way. */
  readonly computedFor?: string;
}

/** An input or output as the graph declares it; a string is a symbolic (variable) dimension. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  /** The value of an input that a caller may leave out; its data as JSON text. */
  readonly default?: { readonly shape: number[]; readonly data: string };
  /** Tables in which the graph looks up the elements of an input, as far as push found them. */
  readonly lookups?: readonly Lookup[];
}

/** The inputs and outputs of a graph. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Number of elements of `shape`; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** `float32[N,3,224,224]`, for messages. */
export const formatSpec = ({ dtype, shape }: { dtype: DType; shape: readonly (number | string)[] }): string =>
  `${dtype}[${shape.join(',')}]`;

const ALLOCATE: { [D in DType]: (length: number) => Storage[D] } = {
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  float16: (length) => new Uint16Array(length),
  int8: (length) => new Int8Array(length),
  int16: (length) => new Int16Array(length),
  int32: (length) => new Int32Array(length),
  int64: (length) => new BigInt64Array(length),
  uint8: (length) => new Uint8Array(length),
  uint16: (length) => new Uint16Array(length),
  uint32: (length) => new Uint32Array(length),
  uint64: (length) => new BigUint64Array(length),
  bool: (length) => new Uint8Array(length),
  string: (length) => new Array<string>(length).fill(''),
};

/** An array of zeros, or of empty strings for `string`. */
export const allocate = <D extends DType>(dtype: D, length: number): Storage[D] => ALLOCATE[dtype](length);

/** The memory of `view` as bytes, not a copy. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

type NumberDType = Exclude<DType, 'string'>;

const VIEW: { [D in NumberDType]: (buffer: ArrayBufferLike, offset: number, length: number) => Storage[D] } = {
  float32: (...place) => new Float32Array(...place),
  float64: (...place) => new Float64Array(...place),
  float16: (...place) => new Uint16Array(...place),
  int8: (...place) => new Int8Array(...place),
  int16: (...place) => new Int16Array(...place),
  int32: (...place) => new Int32Array(...place),
  int64: (...place) => new BigInt64Array(...place),
  uint8: (...place) => new Uint8Array(...place),
  uint16: (...place) => new Uint16Array(...place),
  uint32: (...place) => new Uint32Array(...place),
  uint64: (...place) => new BigUint64Array(...place),
  bool: (...place) => new Uint8Array(...place),
};

/** Bytes of one element. */
export const elementBytes = (dtype: NumberDType): number => allocate(dtype, 0).BYTES_PER_ELEMENT;

/** The numbers of `length` elements whose bytes are `bytes`: a view where an array may begin there, else a copy. */
export const numbersOf = <D extends NumberDType>(dtype: D, bytes: Uint8Array, length: number): Storage[D] => {
  const { buffer, byteOffset } = byteOffsetFits(dtype, bytes) ? bytes : new Uint8Array(bytes);
  return VIEW[dtype](buffer, byteOffset, length);
};

const byteOffsetFits = (dtype: NumberDType, { byteOffset }: Uint8Array): boolean =>
  byteOffset % elementBytes(dtype) === 0;

/** Elements `start` up to, not including, `end`: a view of the same memory, or a copy of strings. */
export const sliceData = (data: Storage[DType], start: number, end: number): Storage[DType] =>
  'subarray' in data ? data.subarray(start, end) : data.slice(start, end);
