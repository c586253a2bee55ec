import type { WeightArray } from './keras-tensor.ts';

/** The array with its axes in another order, as numpy's `transpose`. */
export const permute = ({ shape, data }: WeightArray, order: readonly number[]): WeightArray => {
  const sizes = order.map((axis) => shape[axis] ?? 1);
  const strides = order.map((axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const out = new Float32Array(data.length);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += 1) {
    out[to] = data[from] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      from += strides[axis] ?? 0;
      if (next < (sizes[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      from -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { shape: sizes, data: out };
};
