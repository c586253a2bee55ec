import type { Features } from '../../core/features.ts';
import type { Tensors } from '../../core/tensor.ts';

/** Elements of a tensor that are looked at. */
const MOST_ELEMENTS = 1_000_000;
/** Numbers of a row that are features of their own: a table, not an image. */
const WIDEST_ROW = 64;

/** Mean and standard deviation of each tensor of numbers; of a single row `[1, F]`, its numbers too. */
export const describeTensors = (feeds: Tensors): Features => {
  const features: Record<string, number> = {};
  for (const [name, { dtype, data, shape }] of Object.entries(feeds)) {
    const count = Math.min(data.length, MOST_ELEMENTS);
    if (dtype === 'string' || dtype === 'float16' || count === 0) continue;
    let [sum, squares] = [0, 0];
    for (let index = 0; index < count; index += 1) {
      const value = Number(data[index]);
      sum += value;
      squares += value ** 2;
    }
    const mean = sum / count;
    features[`${name}.mean`] = mean;
    features[`${name}.deviation`] = Math.sqrt(Math.max(0, squares / count - mean ** 2));
    const [rows, width] = shape;
    if (shape.length !== 2 || rows !== 1 || width === undefined || width > WIDEST_ROW) continue;
    for (let index = 0; index < width; index += 1) features[`${name}.${index}`] = Number(data[index]);
  }
  return features;
};
