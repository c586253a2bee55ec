import { element } from '../../core/element.ts';
import { type Tensor, tensor } from '../../core/tensor.ts';
import type { Channel } from './channels.ts';
import type { ImageForm } from './image-input.ts';
import type { Pixels } from './resample.ts';
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
export const recyclePixelValues = ({ dtype, data }: Tensor): void => {
  if (dtype === 'float32' && data.length <= MOST_SPARE_VALUES) spare = data;
};

/** The levels uint8[H,W] of RGB pixels in grey, as Pillow computes them. */
const toGrey = ({ data, width, height }: Pixels): Uint8Array => {
  const grey = new Uint8Array(width * height);
  for (let to = 0, from = 0; to < grey.length; to += 1, from += 3)
    grey[to] =
      ((data[from] ?? 0) * 19_595 + (data[from + 1] ?? 0) * 38_470 + (data[from + 2] ?? 0) * 7_471 + 32_768) >> 16;
  return grey;
};

/** The places of the values of a channel of one image: the first, and the distance between two of them. */
interface Places {
  readonly values: Float32Array | Uint8Array;
  readonly first: number;
  readonly step: number;
}

/** Writes the pixels of one channel: a look-up for each sample rescales and normalises. */
const writeChannel = (
  { values, first, step }: Places,
  { pixels, geometry: { canvas, output, margin } }: PlacedPixels,
  { source, levels }: Channel,
): void => {
  const { width, height } = pixels;
  const fill = (level: number, from: number, count: number): void => {
    for (let at = first + from * step, left = count; left > 0; left -= 1, at += step) values[at] = level;
  };
  const isPadded = canvas.width < output.width || canvas.height < output.height;
  const hasMargin = width < canvas.width || height < canvas.height;
  if (isPadded) fill(0, 0, output.width * output.height);
  if (hasMargin) for (let y = 0; y < canvas.height; y += 1) fill(levels[margin] ?? 0, y * output.width, canvas.width);
  const [samples, distance] = source === 'grey' ? [toGrey(pixels), 1] : [pixels.data, 3];
  let from = source === 'grey' ? 0 : source;
  for (let y = 0; y < height; y += 1) {
    const start = first + ((canvas.top + y) * output.width + canvas.left) * step;
    for (let to = start; to < start + width * step; to += step, from += distance)
      values[to] = levels[samples[from] ?? 0] ?? 0;
  }
};

/** Writes images of equal output size one after the other. */
const writeImages = (
  values: Places['values'],
  images: readonly PlacedPixels[],
  channels: readonly Channel[],
  isChannelsLast: boolean,
): void => {
  const { length: count } = channels;
  const planeLength = values.length / (images.length * count);
  for (const [index, image] of images.entries())
    for (const [place, channel] of channels.entries()) {
      const start = index * count * planeLength;
      const places = isChannelsLast
        ? { values, first: start + place, step: count }
        : { values, first: start + place * planeLength, step: 1 };
      writeChannel(places, image, channel);
    }
};

/**
 * Creates the tensor of images of equal output size in the form that a graph takes, with as many channels as `channels` has. The margin around
 * an image has a level that is normalised like pixels; padding is zero. After the run, the tensor may be given to `recyclePixelValues`.
 */
export const toImageTensor = (
  images: readonly PlacedPixels[],
  channels: readonly Channel[],
  { dtype, isChannelsLast }: Pick<ImageForm, 'dtype' | 'isChannelsLast'>,
): Tensor => {
  const { width, height } = element(images, 0).geometry.output;
  const { length: count } = channels;
  const shape = isChannelsLast ? [images.length, height, width, count] : [images.length, count, height, width];
  const length = images.length * count * height * width;
  const data = dtype === 'float32' ? takeValues(length) : new Uint8Array(length);
  writeImages(data, images, channels, isChannelsLast);
  return data instanceof Float32Array ? tensor('float32', shape, data) : tensor('uint8', shape, data);
};

/** Creates the tensor float32[N,C,H,W] of images of equal output size, as `toImageTensor` does. */
export const toPixelValues = (images: readonly PlacedPixels[], channels: readonly Channel[]): Tensor<'float32'> => {
  const { width, height } = element(images, 0).geometry.output;
  const data = takeValues(images.length * channels.length * height * width);
  writeImages(data, images, channels, false);
  return tensor('float32', [images.length, channels.length, height, width], data);
};
