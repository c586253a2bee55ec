import { ServingError } from '../../core/errors.ts';
import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import type { ImagePreprocessing, Resize } from './preprocessing.ts';
import type { Size } from './processors.ts';

export interface Rectangle extends Size {
  readonly left: number;
  readonly top: number;
}

/** Sizes and positions of one image on its way into a tensor. */
export interface Geometry {
  /** Size of the whole image after resizing. */
  readonly resized: Size;
  /** Part of the resized image that is kept. */
  readonly visible: Rectangle;
  /** Area of the visible part in the tensor, with its margin; the visible part lies at `left`, `top`. */
  readonly canvas: Rectangle;
  /** Width and height of the tensor: the canvas with padding. */
  readonly output: Size;
  /** Level from 0 to 255 of the margin around the visible part. */
  readonly margin: number;
}

/** Most pixels of a resized image. Its tensor takes 12 bytes for each, 0.2 GB; detectors take 1.8 megapixels. */
export const MAX_RESIZED_PIXELS = 16_000_000;

/**
 * The size of the same proportions whose sides have the bounds, or less with `Math.min` as `choose`, or more with `Math.max`; each side has at
 * least one pixel.
 */
const fitTo = (
  bounds: Size,
  { width, height }: Size,
  choose: typeof Math.min,
  toWhole: (side: number) => number,
): Size => {
  const scale = choose(bounds.width / width, bounds.height / height);
  return { width: Math.max(1, toWhole(width * scale)), height: Math.max(1, toWhole(height * scale)) };
};

/** Cuts each side to a multiple, as the YOLOS processor does. A shorter side becomes one multiple, while the reference fails. */
const cutTo = (multiple: number, { width, height }: Size): Size => ({
  width: Math.max(multiple, width - (width % multiple)),
  height: Math.max(multiple, height - (height % multiple)),
});

/**
 * The size after resizing, by `get_resize_output_image_size` of `transformers.image_transforms`; with a bound on the longer side by
 * `get_size_with_aspect_ratio` of its DETR processor. Both cut fractions off and do not round.
 */
const toResized = (resize: Resize | undefined, source: Size): Size => {
  if (resize === undefined) return source;
  if ('width' in resize) return resize;
  if ('within' in resize) return fitTo(resize.within, source, Math.min, Math.trunc);
  if ('covering' in resize) return fitTo(resize.covering, source, Math.max, roundHalfToEven);
  if ('letterbox' in resize) return fitTo(resize.letterbox, source, Math.min, roundHalfToEven);
  const short = Math.min(source.width, source.height);
  const long = Math.max(source.width, source.height);
  let newShort = resize.shortest;
  let newLong = Math.trunc((resize.shortest * long) / short);
  if (resize.longest !== undefined && (long / short) * resize.shortest > resize.longest) {
    const exactShort = (resize.longest * short) / long;
    const rounded = roundHalfToEven(exactShort);
    newShort = Math.max(1, rounded);
    // An image whose shorter side has the right length keeps its size; in the copy for YOLOS only if it is not upright.
    const isKept = rounded === short && !(resize.multipleOf !== undefined && source.width < source.height);
    newLong = isKept ? long : Math.trunc((exactShort * long) / short);
  }
  const resized =
    source.width <= source.height ? { width: newShort, height: newLong } : { width: newLong, height: newShort };
  return resize.multipleOf === undefined ? resized : cutTo(resize.multipleOf, resized);
};

/** Start of a centred crop, rounded as in `center_crop`; a negative start is the margin before a smaller image. */
const centredStart = (length: number, cropped: number): number => Math.floor((length - cropped) / 2);
/** Start of a letterbox, rounded as in Ultralytics' `LetterBox`: the odd pixel comes after the image. */
const letterboxStart = (length: number, boxed: number): number => -Math.floor((boxed - length) / 2);
/** Start of a centred crop, rounded as in torchvision, which puts the odd pixel of a margin after the image. */
const roundedStart = (length: number, cropped: number): number =>
  length < cropped ? letterboxStart(length, cropped) : roundHalfToEven((length - cropped) / 2);
/** The grey of a letterbox. */
const LETTERBOX_LEVEL = 114;

/**
 * Computes the geometry of one image of size `source`.
 * @throws `INVALID_INPUT` when the resized image is too large, or larger than the padded tensor
 */
export const toGeometry = ({ resize, crop, roundsCrop, pad }: ImagePreprocessing, source: Size): Geometry => {
  const resized = toResized(resize, source);
  const letterbox = resize !== undefined && 'letterbox' in resize ? resize.letterbox : undefined;
  const cropped = letterbox ?? crop ?? resized;
  const toCropStart = roundsCrop ? roundedStart : centredStart;
  const toStart = letterbox === undefined ? toCropStart : letterboxStart;
  const left = toStart(resized.width, cropped.width);
  const top = toStart(resized.height, cropped.height);
  const output = pad ?? cropped;
  const refuse = (problem: string): ServingError =>
    new ServingError(
      'INVALID_INPUT',
      `the image of ${source.width}×${source.height} pixels becomes ${cropped.width}×${cropped.height}, ${problem}`,
    );
  if (cropped.width * cropped.height > MAX_RESIZED_PIXELS)
    throw refuse(`which exceeds ${MAX_RESIZED_PIXELS / 1e6} megapixels; send a smaller image, or crop it`);
  if (output.width < cropped.width || output.height < cropped.height)
    throw refuse(`which does not fit into the model's ${output.width}×${output.height}`);
  return {
    resized,
    visible: {
      left: Math.max(0, left),
      top: Math.max(0, top),
      width: Math.min(resized.width, cropped.width),
      height: Math.min(resized.height, cropped.height),
    },
    canvas: { left: Math.max(0, -left), top: Math.max(0, -top), width: cropped.width, height: cropped.height },
    output,
    margin: letterbox === undefined ? 0 : LETTERBOX_LEVEL,
  };
};
