import { element } from '../../core/element.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import type { Channel } from './preprocessing.ts';
import type { ResizedImage } from './resize-image.ts';

export type PlacedPixels = Pick<ResizedImage, 'pixels' | 'geometry'>;

/** Largest array that is kept: larger ones belong to batches, which are rare, and models could use the memory. */
const MOST_SPARE_VALUES = 2 * 1024 * 1024;

let spare: Float32Array | undefined;

/** An array of `count` values, the previous one if it fits: new arrays would cause a full garbage collection every dozen images. */
const takeValues = (count: number): Float32Array => {
  if (spare?.length !== count) return new Float32Array(count);
  const values = spare;
  spare = undefined;
  return values;
};

/** Gives the memory of a tensor that nobody reads any more to the next image. */
export const recyclePixelValues = ({ data }: Tensor<'float32'>): void => {
  if (data.length <= MOST_SPARE_VALUES) spare = data;
};

/** Writes the pixels of one channel into its plane: a look-up for each sample rescales and normalises. */
const writePlane = (
  plane: Float32Array,
  { pixels: { data, width, height }, geometry: { canvas, output, margin } }: PlacedPixels,
  { source, levels }: Channel,
): void => {
  const isPadded = canvas.width < output.width || canvas.height < output.height;
  const hasMargin = width < canvas.width || height < canvas.height;
  if (isPadded) plane.fill(0);
  if (hasMargin)
    for (let y = 0; y < canvas.height; y += 1)
      plane.fill(levels[margin] ?? 0, y * output.width, y * output.width + canvas.width);
  let from = source;
  for (let y = 0; y < height; y += 1) {
    const start = (canvas.top + y) * output.width + canvas.left;
    for (let to = start; to < start + width; to += 1, from += 3) plane[to] = levels[data[from] ?? 0] ?? 0;
  }
};

/**
 * Creates the tensor float32[N,C,H,W] of images of equal output size. The margin around an image has a level that is normalised like
 * pixels; padding is zero. After the run, the tensor may be given to `recyclePixelValues`.
 */
export const toPixelValues = (images: readonly PlacedPixels[], channels: readonly Channel[]): Tensor<'float32'> => {
  const { width, height } = element(images, 0).geometry.output;
  const planeLength = height * width;
  const data = takeValues(images.length * channels.length * planeLength);
  let start = 0;
  for (const image of images)
    for (const channel of channels) {
      writePlane(data.subarray(start, start + planeLength), image, channel);
      start += planeLength;
    }
  return tensor('float32', [images.length, channels.length, height, width], data);
};
