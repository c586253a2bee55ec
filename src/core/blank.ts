import {
  allocate,
  type DType,
  elementCount,
  type Signature,
  type Storage,
  type Tensor,
  type TensorSpec,
  type Tensors,
  tensor,
} from './tensor.ts';

/** Sizes of variable dimensions by their key (`dimensionKey`). */
export type Dimensions = Readonly<Record<string, number>>;

/** An input that is made up: values, and sizes of variable dimensions. */
export interface Blank {
  /** The value of all elements; strings are empty for 0. */
  readonly value: 0 | 1;
  /** Others are 1. */
  readonly dimensions: Dimensions;
}

export const ZEROS: Blank = { value: 0, dimensions: {} };

/** Names that exporters give to dimensions without a name. Two dimensions of such a name need not agree. */
const ANONYMOUS = /^(?:|\?|-1|none|unk__\d+)$/i;

export const isAnonymous = (dimension: string): boolean => ANONYMOUS.test(dimension);

/** A dimension by its position, such as `input:1`. */
export const dimensionAt = (input: string, axis: number): string => `${input}:${axis}`;

/** The name of a variable dimension, and `<input>:<axis>` for one without a name. */
export const dimensionKey = (input: string, axis: number, dimension: string): string =>
  isAnonymous(dimension) ? dimensionAt(input, axis) : dimension;

/** The shape of an input of a blank. A size by position counts before one by name. */
export const blankShape = ({ name, shape }: TensorSpec, dimensions: Dimensions): number[] => {
  const sizeOf = (key: string): number | undefined => (Object.hasOwn(dimensions, key) ? dimensions[key] : undefined);
  return shape.map((size, axis) =>
    typeof size === 'number' ? size : (sizeOf(dimensionAt(name, axis)) ?? sizeOf(dimensionKey(name, axis, size)) ?? 1),
  );
};

/** Half-precision bits of 1. */
const HALF_ONE = 0x3c00;

const fillWithOnes = (dtype: DType, data: Storage[DType]): Storage[DType] => {
  if (!ArrayBuffer.isView(data)) return data.map(() => '1');
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return data.fill(1n);
  return data.fill(dtype === 'float16' ? HALF_ONE : 1);
};

/** The tensors of `blank` for the inputs of a graph that have no default. */
export const blankTensors = ({ inputs }: Signature, { value, dimensions }: Blank = ZEROS): Tensors => {
  const toTensor = (spec: TensorSpec): Tensor => {
    const shape = blankShape(spec, dimensions);
    const zeros = allocate(spec.dtype, elementCount(shape));
    return tensor(spec.dtype, shape, value === 0 ? zeros : fillWithOnes(spec.dtype, zeros));
  };
  const required = inputs.filter((spec) => spec.default === undefined);
  return Object.fromEntries(required.map((spec) => [spec.name, toTensor(spec)]));
};
