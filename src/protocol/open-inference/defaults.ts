import type { Signature, Tensor, TensorSpec, Tensors } from '../../core/tensor.ts';
import { parseJsonBody } from '../json.ts';
import { toJsonData, toTensor } from './tensor-data.ts';

/** `value` as the default of an input, which a bundle can hold. */
export const toDefault = (value: Tensor): NonNullable<TensorSpec['default']> => ({
  shape: [...value.shape],
  data: toJsonData(value),
});

/** The values of inputs that callers may leave out, by name. */
export const defaultsOf = ({ inputs }: Signature): Tensors =>
  Object.fromEntries(
    inputs.flatMap(({ name, dtype, default: own }) =>
      own === undefined ? [] : [[name, toTensor(name, dtype, own.shape, parseJsonBody(own.data))]],
    ),
  );
