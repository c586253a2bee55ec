import {
  allocate,
  bytesOf,
  type DType,
  elementCount,
  mapTensors,
  type Signature,
  type Storage,
  sliceData,
  type Tensor,
  type Tensors,
  tensor,
  tensorOf,
} from './tensor.ts';

/** Tells whether the first dimension of every input and output is variable, so that requests can share a run. */
export const isBatchable = ({ inputs, outputs }: Signature): boolean =>
  [...inputs, ...outputs].every(({ shape }) => typeof shape[0] === 'string');

const concatenateData = (dtype: DType, parts: readonly Storage[DType][], length: number): Storage[DType] => {
  const data = allocate(dtype, length);
  if (!ArrayBuffer.isView(data)) return parts.flatMap((part) => (ArrayBuffer.isView(part) ? [] : part));
  const bytes = bytesOf(data);
  let offset = 0;
  for (const part of parts) {
    if (!ArrayBuffer.isView(part)) continue;
    bytes.set(bytesOf(part), offset);
    offset += part.byteLength;
  }
  return data;
};

/** Joins tensors of one data type, which differ in their first dimension only. */
const concatenateTensors = (first: Tensor, others: readonly Tensor[]): Tensor => {
  const tensors = [first, ...others];
  const rowCount = tensors.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const shape = [rowCount, ...first.shape.slice(1)];
  const parts = tensors.map(({ data }) => data);
  return tensor(first.dtype, shape, concatenateData(first.dtype, parts, elementCount(shape)));
};

/** Joins feeds of the same names, types, and shapes behind the first dimension, in order. */
export const concatenate = ([first = {}, ...others]: readonly Tensors[]): Tensors => {
  if (others.length === 0) return first;
  return mapTensors(first, (each, name) =>
    concatenateTensors(
      each,
      others.map((feeds) => tensorOf(feeds, name, each.dtype)),
    ),
  );
};

/** Rows `start` up to, not including, `end` of every tensor: views of the same memory, except for strings. */
export const rows = (tensors: Tensors, start: number, end: number): Tensors =>
  mapTensors(tensors, ({ dtype, shape, data }) => {
    const width = elementCount(shape.slice(1));
    return tensor(dtype, [end - start, ...shape.slice(1)], sliceData(data, start * width, end * width));
  });

/** A row of the outputs of a run over `count` rows. */
export interface OutputRow {
  readonly outputs: Tensors;
  readonly row: number;
  readonly count: number;
}

/** The elements of a row in an output: from `start` up to, not including, `end`. */
export const rangeOf = ({ data }: Tensor, { row, count }: OutputRow): readonly [start: number, end: number] => {
  const width = data.length / count;
  return [row * width, (row + 1) * width];
};
