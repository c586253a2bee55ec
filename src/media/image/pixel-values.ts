import type { Tensor } from '../../core/tensor.ts';
import type { Channel } from './preprocessing.ts';
import type { ResizedImage } from './resize-image.ts';

export type PlacedPixels = Pick<ResizedImage, 'pixels' | 'geometry'>;

/** Larger values are those of batches, which are rare and would keep memory that models could use. */
const MOST_SPARE_VALUES = 2 * 1024 * 1024;

let spare: Float32Array<ArrayBuffer> | undefined;

/** For one picture of a common size, the values of the last one: newly allocated ones would cause a full collection of garbage every dozen pictures. */
const takeValues = (count: number): Float32Array<ArrayBuffer> => {
  if (spare?.length !== count) return new Float32Array(count);
  const values = spare;
  spare = undefined;
  return values;
};

/** Lets the next picture have the memory of a tensor that nobody reads any more. */
export const recyclePixelValues = ({ data }: Tensor<'float32'>): void => {
  if (data.length <= MOST_SPARE_VALUES) spare = data as Float32Array<ArrayBuffer>;
};

/** A look-up per sample rescales, normalises and sorts into planes in one pass. */
const place = (
  values: Float32Array,
  { pixels: { data, width, height }, geometry: { canvas, output, margin } }: PlacedPixels,
  channels: readonly Channel[],
): void => {
  const isPadded = canvas.width < output.width || canvas.height < output.height;
  const hasMargin = width < canvas.width || height < canvas.height;
  if (isPadded) values.fill(0);
  for (const [index, { source, levels }] of channels.entries()) {
    const plane = index * output.width * output.height;
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
};

/**
 * The tensor of pictures of equal output size, float32[N,C,H,W]. Around a picture smaller than its canvas is the margin's level, which is
 * normalised too; padding is zero. To be given to `recyclePixelValues` once it was run.
 */
export const toPixelValues = (pictures: readonly PlacedPixels[], channels: readonly Channel[]): Tensor<'float32'> => {
  const [{ geometry }] = pictures as readonly [PlacedPixels];
  const { width, height } = geometry.output;
  const pictureLength = channels.length * height * width;
  const data = takeValues(pictures.length * pictureLength);
  for (const [index, picture] of pictures.entries())
    place(data.subarray(index * pictureLength, (index + 1) * pictureLength), picture, channels);
  return { dtype: 'float32', shape: [pictures.length, channels.length, height, width], data };
};
