import { ServingError } from '../../core/errors.ts';
import { createQueue } from '../../core/queue.ts';
import { namingFile } from '../input-files.ts';
import { type EncodedImage, openImage } from './decode.ts';
import { type Geometry, MAX_PIXELS, toGeometry } from './geometry.ts';
import type { Images } from './input.ts';
import type { ImagePreprocessing, Resample } from './preprocessing.ts';
import type { Size } from './processors.ts';
import { type Pixels, resample } from './resample.ts';

/** Factor from which on libvips averages whole pixels before it filters; Pillow does not. */
const LIBVIPS_LIMIT = 4;

/** Length to which libvips shrinks before a larger shrink: large enough to hide its filter, small enough to be fast. */
const toFirstStep = (length: number, factor: number): number =>
  factor < LIBVIPS_LIMIT ? length : Math.ceil(length / Math.min(factor / 3, LIBVIPS_LIMIT - 0.01));

/**
 * Decodes the visible part of an image, resized as Pillow would. libvips does this several times as fast, with an error of a fifth
 * of a level on average. It is used to shrink by less than `LIBVIPS_LIMIT`, and to begin larger shrinks; all else is exact.
 */
const readPixels = async (image: EncodedImage, { resized, visible }: Geometry, method: Resample): Promise<Pixels> => {
  if (image.samples !== 'plain' || method === 'nearest' || method === 'linear')
    return resample(await image.decode(), resized, visible, method);
  const across = image.width / resized.width;
  const down = image.height / resized.height;
  if (Math.min(across, down) >= 1 && Math.max(across, down) < LIBVIPS_LIMIT)
    return image.decode({ size: resized, method, crop: visible });
  const firstStep = { width: toFirstStep(image.width, across), height: toFirstStep(image.height, down) };
  return resample(await image.decode({ size: firstStep, method: 'bicubic' }), resized, visible, method);
};

/** Images with more pixels are decoded one after another, so that those of a batch fit into memory. */
const LARGE_PIXELS = 16_000_000;

const decodeLarge = createQueue();

/** An image in the size that a model takes. */
export interface ResizedImage {
  /** Size of the upright image before resizing. */
  readonly source: Size;
  readonly geometry: Geometry;
  readonly pixels: Pixels;
}

/** Key for grouping: images with equal keys fit into one tensor. */
export const bySize = ({ geometry: { output } }: ResizedImage): string => `${output.width}×${output.height}`;

/**
 * Decodes an image, and resizes and crops it by `preprocessing`.
 *
 * @throws `INVALID_INPUT` for an image that cannot be decoded, `UNSUPPORTED_MEDIA_TYPE` for another format, `PAYLOAD_TOO_LARGE` for too
 *   many pixels
 */
export const resizeImage = async (bytes: Uint8Array, preprocessing: ImagePreprocessing): Promise<ResizedImage> => {
  const image = await openImage(bytes);
  const { width, height } = image;
  const geometry = toGeometry(preprocessing, image);
  const read = (): Promise<Pixels> => readPixels(image, geometry, preprocessing.resample);
  const isLarge = width * height > LARGE_PIXELS;
  return { source: { width, height }, geometry, pixels: await (isLarge ? decodeLarge(read) : read()) };
};

/**
 * Resizes the images of a request one after another: together they would need memory for all of them decoded.
 * @throws the errors of `resizeImage`, naming the image of a list; `PAYLOAD_TOO_LARGE` for too many pixels of all images together
 */
export const resizeImages = async (images: Images, preprocessing: ImagePreprocessing): Promise<ResizedImage[]> => {
  const resized: ResizedImage[] = [];
  let pixels = 0;
  for (const [index, file] of images.files.entries()) {
    const image = await namingFile(images, index, resizeImage(file, preprocessing));
    pixels += image.source.width * image.source.height;
    if (pixels > MAX_PIXELS)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `the images up to inputs[${index}] have ${pixels} pixels, at most ${MAX_PIXELS} are taken together: send them in several requests`,
      );
    resized.push(image);
  }
  return resized;
};
