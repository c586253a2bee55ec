import { assertTimeLeft, type Deadline } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { createQueue } from '../../core/queue.ts';
import { namingFile } from '../input-files.ts';
import { MAX_PIXELS } from './bounds.ts';
import { type EncodedImage, openImage, type Shrink } from './decode.ts';
import { type Geometry, toGeometry } from './geometry.ts';
import type { Images } from './input.ts';
import type { ImagePreprocessing, Resample } from './preprocessing.ts';
import type { Size } from './processors.ts';
import { type Pixels, resample } from './resample.ts';

/** Factor from which on libvips averages whole pixels before it filters; Pillow does not. */
const LIBVIPS_LIMIT = 4;

/** Part of a larger shrink that libvips does first: what is left hides its filter, and is small enough to be fast. */
const toFirstFactor = (factor: number): number => (factor < LIBVIPS_LIMIT ? 1 : factor / 3);

/**
 * First factors at which sharp has the decoder of a JPEG halve the image, which saves half of its work. Below, it does not; above, the
 * decoder would quarter the image, and triple the error.
 */
const HALVED = { from: 3.1, to: 4.9 };

/** The size to which libvips takes an image before a larger shrink. */
const toFirstStep = ({ width, height, halvesOnLoad }: EncodedImage, across: number, down: number): Shrink => {
  const onLoad = halvesOnLoad && Math.min(toFirstFactor(across), toFirstFactor(down)) >= HALVED.from;
  const most = onLoad ? HALVED.to : LIBVIPS_LIMIT - 0.01;
  const shorten = (length: number, factor: number): number => Math.ceil(length / Math.min(toFirstFactor(factor), most));
  return { size: { width: shorten(width, across), height: shorten(height, down) }, method: 'bicubic', onLoad };
};

/**
 * Decodes the visible part of an image, resized as Pillow would. libvips does this several times as fast, with an error of a fifth
 * of a level on average. It is used to shrink plain samples by less than `LIBVIPS_LIMIT`, and to begin larger shrinks; all else is exact.
 */
const readPixels = async (image: EncodedImage, { resized, visible }: Geometry, method: Resample): Promise<Pixels> => {
  const across = image.width / resized.width;
  const down = image.height / resized.height;
  const isMuch = Math.max(across, down) >= LIBVIPS_LIMIT;
  if (method === 'nearest' || method === 'linear') return resample(await image.decode(), resized, visible, method);
  if (image.isPlain && !isMuch && Math.min(across, down) >= 1)
    return image.decode({ size: resized, method, crop: visible });
  if (!isMuch) return resample(await image.decode(), resized, visible, method);
  return resample(await image.decode(toFirstStep(image, across, down)), resized, visible, method);
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

/** An image whose header was read. */
interface OpenedImage extends Pick<ResizedImage, 'source' | 'geometry'> {
  /** Decodes and resizes it. May be called only once. */
  resize(): Promise<ResizedImage>;
}

const open = async (bytes: Uint8Array, preprocessing: ImagePreprocessing, deadline: Deadline): Promise<OpenedImage> => {
  const image = await openImage(bytes, deadline);
  const source = { width: image.width, height: image.height };
  const geometry = toGeometry(preprocessing, source);
  const read = (): Promise<Pixels> => readPixels(image, geometry, preprocessing.resample);
  const isLarge = pixelsOf(source) > LARGE_PIXELS;
  return {
    source,
    geometry,
    resize: async () => ({ source, geometry, pixels: await (isLarge ? decodeLarge(read) : read()) }),
  };
};

const pixelsOf = ({ width, height }: Size): number => width * height;

/**
 * Decodes an image, and resizes and crops it by `preprocessing`.
 *
 * @throws `INVALID_INPUT` for an image that cannot be decoded, `UNSUPPORTED_MEDIA_TYPE` for another format, `PAYLOAD_TOO_LARGE` for too
 *   many pixels, `DEADLINE_EXCEEDED`
 */
export const resizeImage = async (
  bytes: Uint8Array,
  preprocessing: ImagePreprocessing,
  deadline: Deadline,
): Promise<ResizedImage> => (await open(bytes, preprocessing, deadline)).resize();

/**
 * Resizes the images of a request one after another: together they would need memory for all of them decoded.
 * @throws the errors of `resizeImage`, naming the image of a list; `PAYLOAD_TOO_LARGE` for too many pixels of all images together,
 *   before or after resizing
 */
export const resizeImages = async (
  images: Images,
  preprocessing: ImagePreprocessing,
  deadline: Deadline,
): Promise<ResizedImage[]> => {
  const resized: ResizedImage[] = [];
  let pixels = 0;
  for (const [index, file] of images.files.entries()) {
    assertTimeLeft(deadline, `when ${index} of ${images.files.length} images were decoded`);
    const opened = await namingFile(images, index, open(file, preprocessing, deadline));
    pixels += Math.max(pixelsOf(opened.source), pixelsOf(opened.geometry.output));
    if (pixels > MAX_PIXELS)
      throw new ServingError(
        'PAYLOAD_TOO_LARGE',
        `the images up to inputs[${index}] have ${pixels} pixels, at most ${MAX_PIXELS} are taken together: send them in several requests`,
      );
    resized.push(await namingFile(images, index, opened.resize()));
  }
  return resized;
};
