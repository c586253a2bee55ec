import { allocate, elementCount, type Signature, type Tensor, type Tensors } from './tensor.ts';

/** Whether the leading dimension of every input and output is variable, so that requests can share a run. */
export const isBatchable = ({ inputs, outputs }: Signature): boolean =>
  [...inputs, ...outputs].every(({ shape }) => typeof shape[0] === 'string');

const concatenateTensors = (tensors: readonly Tensor[]): Tensor => {
  const [first] = tensors as readonly [Tensor];
  const rows = tensors.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const shape = [rows, ...first.shape.slice(1)];
  if (first.dtype === 'string')
    return { dtype: 'string', shape, data: tensors.flatMap(({ data }) => data as string[]) };
  const data = allocate(first.dtype, elementCount(shape)) as Float32Array;
  let offset = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Float32Array, offset);
    offset += tensor.data.length;
  }
  return { dtype: first.dtype, shape, data } as unknown as Tensor;
};

/** Joins feeds of the same names, types, and shapes behind the leading dimension, in order. */
export const concatenate = (batch: readonly Tensors[]): Tensors => {
  const [first, ...others] = batch as readonly [Tensors];
  if (others.length === 0) return first;
  const joined: Record<string, Tensor> = {};
  for (const name of Object.keys(first)) joined[name] = concatenateTensors(batch.map((feeds) => feeds[name] as Tensor));
  return joined;
};

/** Rows `start` up to `end` of every tensor, without a copy where the storage allows. */
export const rows = (tensors: Tensors, start: number, end: number): Tensors => {
  const sliced: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const width = elementCount(shape.slice(1));
    const [from, to] = [start * width, end * width];
    const part = Array.isArray(data) ? data.slice(from, to) : (data as Float32Array).subarray(from, to);
    sliced[name] = { dtype, shape: [end - start, ...shape.slice(1)], data: part } as unknown as Tensor;
  }
  return sliced;
};
