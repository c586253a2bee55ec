import { ServingError } from '../../core/errors.ts';
import { openPicture, type Picture } from './decode.ts';
import { type Geometry, MAX_PIXELS, toGeometry } from './geometry.ts';
import type { Images } from './input.ts';
import type { ImagePreprocessing, Resample } from './preprocessing.ts';
import type { Size } from './processors.ts';
import { type Pixels, resample } from './resample.ts';

/** From this factor on libvips averages whole pixels before it filters, which Pillow does not. */
const LIBVIPS_LIMIT = 4;

/** How far libvips takes a larger shrink: what is left is large enough to hide its filter, small enough to be quick. */
const toFirstStep = (length: number, factor: number): number =>
  factor < LIBVIPS_LIMIT ? length : Math.ceil(length / Math.min(factor / 3, LIBVIPS_LIMIT - 0.01));

/**
 * The visible part of the picture, resized as Pillow would. libvips is several times as fast and, where it is used here,
 * off by a fifth of a level on average: it shrinks to more than a fourth, and begins larger shrinks. The rest is exact.
 */
const readPixels = async (picture: Picture, { resized, visible }: Geometry, method: Resample): Promise<Pixels> => {
  if (picture.samples !== 'plain' || method === 'nearest' || method === 'linear')
    return resample(await picture.decode(), resized, visible, method);
  const across = picture.width / resized.width;
  const down = picture.height / resized.height;
  if (Math.min(across, down) >= 1 && Math.max(across, down) < LIBVIPS_LIMIT)
    return picture.decode({ size: resized, method, crop: visible });
  const firstStep = { width: toFirstStep(picture.width, across), height: toFirstStep(picture.height, down) };
  return resample(await picture.decode({ size: firstStep, method: 'bicubic' }), resized, visible, method);
};

/** Pictures with more pixels than this are decoded one after another, so that a batch of them fits into memory. */
const LARGE_PIXELS = 16_000_000;

let lastLarge: Promise<unknown> = Promise.resolve();

const afterOtherLarge = <T>(work: () => Promise<T>): Promise<T> => {
  const result = lastLarge.then(work);
  lastLarge = result.catch(() => undefined);
  return result;
};

/** A picture in the size that a model takes, and where it came from. */
export interface ResizedImage {
  /** The picture's own size, upright. */
  readonly source: Size;
  readonly geometry: Geometry;
  readonly pixels: Pixels;
}

/** Equal for pictures that fit into one tensor. */
export const bySize = ({ geometry: { output } }: ResizedImage): string => `${output.width}×${output.height}`;

/**
 * The pixels of an encoded picture, resized and cropped as `plan` says.
 *
 * @throws `INVALID_INPUT` when the picture cannot be decoded, `UNSUPPORTED_MEDIA_TYPE` when it is of another format,
 *   `PAYLOAD_TOO_LARGE` when it has too many pixels
 */
export const resizeImage = async (bytes: Uint8Array, plan: ImagePreprocessing): Promise<ResizedImage> => {
  const picture = await openPicture(bytes);
  const { width, height } = picture;
  const geometry = toGeometry(plan, picture);
  const read = (): Promise<Pixels> => readPixels(picture, geometry, plan.resample);
  const isLarge = width * height > LARGE_PIXELS;
  return { source: { width, height }, geometry, pixels: await (isLarge ? afterOtherLarge(read) : read()) };
};

/** @throws what `work` throws, naming the picture of a list */
const naming = async <T>(index: number, isList: boolean, work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    const { code, message } = ServingError.from(cause);
    throw isList ? new ServingError(code, `inputs[${index}]: ${message}`, { cause }) : cause;
  });

/**
 * The pictures of a request, one after another: together they would need memory for all of them decoded.
 * @throws as `resizeImage`, naming the picture of a list; `PAYLOAD_TOO_LARGE` when they have too many pixels together
 */
export const resizeImages = async ({ images, isList }: Images, plan: ImagePreprocessing): Promise<ResizedImage[]> => {
  const resized: ResizedImage[] = [];
  let pixels = 0;
  for (const [index, image] of images.entries()) {
    const one = await naming(index, isList, resizeImage(image, plan));
    pixels += one.source.width * one.source.height;
    if (pixels > MAX_PIXELS)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `the pictures up to inputs[${index}] have ${pixels} pixels, at most ${MAX_PIXELS} are taken together: send them in several requests`,
      );
    resized.push(one);
  }
  return resized;
};
