import { ServingError } from '../../core/errors.ts';
import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import type { ImagePreprocessing, Resize } from './preprocessing.ts';
import type { Size } from './processors.ts';

export interface Rectangle extends Size {
  readonly left: number;
  readonly top: number;
}

/** Where the pixels of one picture go. */
export interface Geometry {
  /** The whole picture after resizing. */
  readonly resized: Size;
  /** The part of it that is kept. */
  readonly visible: Rectangle;
  /** Where that part lies in the tensor; more than it when a crop is larger than the picture. */
  readonly canvas: Rectangle;
  /** The tensor's width and height: the canvas, padded. */
  readonly output: Size;
  /** The level, of 255, of the canvas around the picture. */
  readonly margin: number;
}

/** 64 megapixels take up to 0.5 GB to decode (progressive JPEG, CMYK, WebP): a third of the default function's memory. */
export const MAX_PIXELS = 64_000_000;

/** As large as fits into `bounds`, and never without a pixel. */
const fitInto = (bounds: Size, { width, height }: Size, toWhole: (side: number) => number): Size => {
  const scale = Math.min(bounds.width / width, bounds.height / height);
  return { width: Math.max(1, toWhole(width * scale)), height: Math.max(1, toWhole(height * scale)) };
};

/** Cut to whole multiples, as the YOLOS processor does; where that leaves nothing, and the reference fails, one multiple. */
const cutTo = (multiple: number, { width, height }: Size): Size => ({
  width: Math.max(multiple, width - (width % multiple)),
  height: Math.max(multiple, height - (height % multiple)),
});

/**
 * `get_resize_output_image_size` of `transformers.image_transforms`; with a bound on the longer side
 * `get_size_with_aspect_ratio` of its DETR processor. Both cut fractions off rather than round them.
 */
const toResized = (resize: Resize | undefined, source: Size): Size => {
  if (resize === undefined) return source;
  if ('width' in resize) return resize;
  if ('within' in resize) return fitInto(resize.within, source, Math.trunc);
  if ('letterbox' in resize) return fitInto(resize.letterbox, source, roundHalfToEven);
  const short = Math.min(source.width, source.height);
  const long = Math.max(source.width, source.height);
  let newShort = resize.shortest;
  let newLong = Math.trunc((resize.shortest * long) / short);
  if (resize.longest !== undefined && (long / short) * resize.shortest > resize.longest) {
    const exactShort = (resize.longest * short) / long;
    const rounded = roundHalfToEven(exactShort);
    newShort = Math.max(1, rounded);
    // A shorter side that is right already is left alone, with the longer one; not so in the copy for YOLOS when the picture is upright.
    const isLeft = rounded === short && !(resize.multipleOf !== undefined && source.width < source.height);
    newLong = isLeft ? long : Math.trunc((exactShort * long) / short);
  }
  const resized =
    source.width <= source.height ? { width: newShort, height: newLong } : { width: newLong, height: newShort };
  return resize.multipleOf === undefined ? resized : cutTo(resize.multipleOf, resized);
};

/** Both start of a centred crop and, when negative, the margin before a smaller picture, as `center_crop` rounds them. */
const centredStart = (length: number, cropped: number): number => Math.floor((length - cropped) / 2);
/** The same as Ultralytics' `LetterBox` rounds it: the odd pixel comes after the picture. */
const letterboxStart = (length: number, boxed: number): number => -Math.floor((boxed - length) / 2);
/** The grey of a letterbox. */
const LETTERBOX_LEVEL = 114;

/**
 * Sizes and places for one picture of size `source`.
 * @throws `INVALID_INPUT` when resizing would make it too large, or padding does not hold it
 */
export const toGeometry = ({ resize, crop, pad }: ImagePreprocessing, source: Size): Geometry => {
  const resized = toResized(resize, source);
  const letterbox = resize !== undefined && 'letterbox' in resize ? resize.letterbox : undefined;
  const cropped = letterbox ?? crop ?? resized;
  const toStart = letterbox === undefined ? centredStart : letterboxStart;
  const left = toStart(resized.width, cropped.width);
  const top = toStart(resized.height, cropped.height);
  const output = pad ?? cropped;
  const refuse = (problem: string): ServingError =>
    new ServingError(
      'INVALID_INPUT',
      `the picture of ${source.width}×${source.height} pixels becomes ${cropped.width}×${cropped.height}, ${problem}`,
    );
  if (cropped.width * cropped.height > MAX_PIXELS) throw refuse(`which exceeds ${MAX_PIXELS} pixels; crop it`);
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
