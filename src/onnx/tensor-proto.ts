import { bytesOf, type DType, elementCount, type Tensor } from '../core/tensor.ts';
import { type Chunks, toField, toIntegerField } from './chunks.ts';
import { DIMENSION, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';

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

/** The fields of a `ValueInfoProto`; a string is a symbolic dimension, an empty one a dimension without a name. */
export const encodeValueInfo = (name: string, dtype: DType, shape: readonly (number | string)[]): Chunks => {
  const dimensions = shape.flatMap((size) => {
    if (typeof size === 'number') return toField(SHAPE.dimension, toIntegerField(DIMENSION.value, size));
    return toField(SHAPE.dimension, size === '' ? [] : toField(DIMENSION.parameter, size));
  });
  const tensor = [
    ...toIntegerField(TENSOR_TYPE.elementType, DATA_TYPES[dtype]),
    ...toField(TENSOR_TYPE.shape, dimensions),
  ];
  return [...toField(VALUE_INFO.name, name), ...toField(VALUE_INFO.type, toField(TYPE.tensor, tensor))];
};
