/** The array that holds the elements of each data type; float16 holds raw IEEE 754 half-precision bits. */
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

/** A data type by the name that onnxruntime gives it. */
export type DType = keyof Storage;

export const DTYPES: readonly DType[] = [
  ...(['float32', 'float64', 'float16', 'int8', 'int16', 'int32', 'int64'] as const),
  ...(['uint8', 'uint16', 'uint32', 'uint64', 'bool', 'string'] as const),
];

/** A dense, row-major tensor. Invariant: `data.length` equals the product of `shape`. */
export type Tensor<D extends DType = DType> = {
  [K in D]: { readonly dtype: K; readonly shape: readonly number[]; readonly data: Storage[K] };
}[D];

/** Tensors by the name of the graph's input or output. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** One input or output as the graph declares it; a string is a symbolic (variable) dimension. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** What a graph takes and gives. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Number of elements of `shape`; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** `float32[N,3,224,224]`, as messages and docstrings write it. */
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

/** Zeros (empty strings for `string`) to fill. */
export const allocate = <D extends DType>(dtype: D, length: number): Storage[D] => ALLOCATE[dtype](length);

/** Inputs of zeros; variable dimensions that `dimensions` does not name are 1. */
export const zeros = ({ inputs }: Signature, dimensions: Readonly<Record<string, number>>): Tensors =>
  Object.fromEntries(
    inputs.map(({ name, dtype, shape: declared }) => {
      const shape = declared.map((size) => (typeof size === 'number' ? size : (dimensions[size] ?? 1)));
      return [name, { dtype, shape, data: allocate(dtype, elementCount(shape)) } as Tensor];
    }),
  );
