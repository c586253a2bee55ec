import { fromHalf } from '../../core/half.ts';
import type { Weights } from '../../onnx/tensor-proto.ts';

/** The numbers of weights, those of float16 among them. @throws `RangeError` when they cannot be read */
export const readFloats = (weights: Weights): Float32Array => {
  const { dtype, data } = weights.read();
  const floats = new Float32Array(data.length);
  const isHalf = dtype === 'float16';
  for (let index = 0; index < data.length; index += 1) {
    const value = Number(data[index]);
    floats[index] = isHalf ? fromHalf(value) : value;
  }
  return floats;
};
