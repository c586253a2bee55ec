/** The index of the largest of `values[start, end)`, the first of equal ones. */
export const argMax = (values: Float32Array, start = 0, end = values.length): number => {
  let best = start;
  let largest = values[start] ?? 0;
  for (let index = start + 1; index < end; index += 1) {
    const value = values[index] ?? 0;
    if (value > largest) {
      best = index;
      largest = value;
    }
  }
  return best;
};
