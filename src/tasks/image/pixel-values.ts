import type { Tensor } from '../../core/tensor.ts';
import type { Geometry } from './geometry.ts';
import type { Channel } from './preprocessing.ts';
import type { Pixels } from './resample.ts';

/**
 * The tensor of one picture, float32[1,C,H,W], in one pass: rescaled, normalised and in planes by a look-up per sample.
 * Around a picture smaller than its canvas is the margin's level, which is normalised too; padding is zero.
 */
export const toPixelValues = (
  { data, width, height }: Pixels,
  { canvas, output, margin }: Geometry,
  channels: readonly Channel[],
): Tensor<'float32'> => {
  const planeLength = output.width * output.height;
  const values = new Float32Array(channels.length * planeLength);
  const hasMargin = width < canvas.width || height < canvas.height;
  for (const [index, { source, levels }] of channels.entries()) {
    const plane = index * planeLength;
    if (hasMargin)
      for (let y = 0; y < canvas.height; y += 1) {
        const start = plane + y * output.width;
        values.fill(levels[margin] as number, start, start + canvas.width);
      }
    let from = source;
    for (let y = 0; y < height; y += 1) {
      const start = plane + (canvas.top + y) * output.width + canvas.left;
      for (let to = start; to < start + width; to += 1, from += 3) values[to] = levels[data[from] as number] as number;
    }
  }
  return { dtype: 'float32', shape: [1, channels.length, output.height, output.width], data: values };
};
