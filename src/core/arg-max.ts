import { float32At } from './typed-arrays.ts';

/** The index of the largest of `values[start, end)`, the first of equal ones. */
export const argMax = (values: Float32Array, start = 0, end = values.length): number => {
  let best = start;
  for (let index = start + 1; index < end; index += 1)
    if (float32At(values, index) > float32At(values, best)) best = index;
  return best;
};
