import { createRequire } from 'node:module';
import type createSharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';
import { assertTimeLeft, type Deadline } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { assertCheap, assertSize } from './bounds.ts';
import { type ImageFormat, sniffFormat } from './format.ts';
import type { Rectangle } from './geometry.ts';
import { readGifFrame } from './gif-frame.ts';
import { readOrdinaryJpegHeader } from './jpeg-header.ts';
import type { Size } from './processors.ts';
import type { Pixels } from './resample.ts';
import { refusedSamples } from './tiff-header.ts';

/** Forms of samples that are decoded in different ways; `plain` is 8-bit grey or RGB without alpha. */
type Samples = 'plain' | 'cmyk' | 'grey16' | 'other';

/** An encoded image whose header was read. Width and height are those of the upright image. */
export interface EncodedImage extends Size {
  /** True for 8-bit grey or RGB without alpha, of which libvips makes the levels of Pillow. */
  readonly isPlain: boolean;
  /** True for a plain JPEG of even sides: its decoder halves any other one by a little more, which shifts the pixels. */
  readonly halvesOnLoad: boolean;
  /**
   * Decodes the first frame or page to upright RGB pixels. Drops alpha without blending. May be called only once.
   * @throws `INVALID_INPUT` for a damaged image and for one that takes too long, `DEADLINE_EXCEEDED`
   */
  decode(shrink?: Shrink): Promise<Pixels>;
}

/** Names of Pillow's filters in libvips. */
const KERNELS = { bilinear: 'linear', bicubic: 'cubic', lanczos: 'lanczos3' } as const;

/** A resize that libvips does while it decodes. */
export interface Shrink {
  readonly size: Size;
  readonly method: keyof typeof KERNELS;
  /** Part of the resized image that is kept; default: all of it. */
  readonly crop?: Rectangle;
  /** Lets the decoder of a JPEG do a part of it. */
  readonly onLoad?: boolean;
}

const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff'].map((format) => `VipsForeignLoad${format}`);

let loaded: typeof createSharp | undefined;

/** Loads sharp on first use, so that functions without images do without it, and by `require`, which finds it in a layer. */
const loadSharp = (): typeof createSharp => {
  if (loaded !== undefined) return loaded;
  const sharp: typeof createSharp = createRequire(import.meta.url)('sharp');
  sharp.cache(false); // no image comes twice
  sharp.concurrency(1); // requests are decoded side by side already
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
  loaded = sharp;
  return sharp;
};

/**
 * Opens an image as Pillow does: applies the EXIF orientation, ignores colour profiles, forgives minor damage. Damage in a TIFF is
 * not forgiven, because libvips leaves damaged strips black.
 */
const open = (bytes: Uint8Array, format: ImageFormat): Sharp => {
  const failOn = format === 'tiff' ? 'error' : 'truncated';
  return loadSharp()(bytes, { autoOrient: true, ignoreIcc: true, failOn, limitInputPixels: false });
};

const undecodable = (bytes: Uint8Array, format: ImageFormat, error: unknown): ServingError => {
  const lines = ServingError.from(error).message.split('\n');
  const reason = lines.filter((line) => !line.startsWith('source: ')).join(' '); // these lines list libvips' attempts
  const message = `the image (${format}, ${bytes.byteLength} bytes) cannot be decoded: ${reason}; check that it is complete`;
  return new ServingError('INVALID_INPUT', message, { cause: error });
};

interface Header extends Size {
  readonly samples: Samples;
}

const refuseSamples = (format: ImageFormat, samples: string): never => {
  const message = `the image (${format}) has ${samples}, which is not decoded here; save it as 8-bit RGB`;
  throw new ServingError('INVALID_INPUT', message);
};

/** @throws `INVALID_INPUT` for samples that libvips would decode to other colours than Pillow */
const assertSamples = (format: ImageFormat, { space, depth, channels }: Metadata): void => {
  const depths = space === 'cmyk' ? ['uchar'] : ['uchar', 'ushort'];
  if (depths.includes(depth) && channels <= 4) return;
  refuseSamples(format, `${channels} channels of ${depth} in ${space}`);
};

/** Tells whether a PNG has no channel of alpha: libvips makes one of its transparent level, and Pillow does not. */
const isGreyPng = (format: ImageFormat, bytes: Uint8Array): boolean => format === 'png' && bytes[25] === 0;

const toSamples = ({ space, depth, hasAlpha, bitsPerSample }: Metadata, isGrey: boolean): Samples => {
  if (space === 'cmyk') return 'cmyk';
  if (space === 'grey16' && (!hasAlpha || isGrey)) return 'grey16';
  const isPlain = depth === 'uchar' && bitsPerSample !== 1 && !hasAlpha && (space === 'srgb' || space === 'b-w');
  return isPlain ? 'plain' : 'other';
};

/** @throws the errors of `assertSamples` */
const toHeader = (format: ImageFormat, bytes: Uint8Array, metadata: Metadata): Header => {
  assertSamples(format, metadata);
  return { ...metadata.autoOrient, samples: toSamples(metadata, isGreyPng(format, bytes)) };
};

/** Converts uint8[H,W,4] as Pillow does, by arithmetic and without colour profiles. */
const cmykToRgb = (data: Uint8Array): Uint8Array => {
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const white = 255 - (data[from + 3] ?? 0);
    for (let channel = 0; channel < 3; channel += 1, to += 1) {
      const product = (data[from + channel] ?? 0) * white + 128;
      rgb[to] = white - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
};

/** Converts uint16[H,W] to uint8[H,W] as Pillow does: it cuts levels at 255, while other programs divide them by 257. */
const cutLevels = (data: Buffer): Uint8Array => {
  const levels = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const cut = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; i += 1) cut[i] = Math.min(255, levels[i] ?? 0);
  return cut;
};

const shrunk = (image: Sharp, shrink: Shrink | undefined): Sharp => {
  if (shrink === undefined) return image;
  const { size, method, crop, onLoad = false } = shrink;
  image.resize({ ...size, fit: 'fill', kernel: KERNELS[method], fastShrinkOnLoad: onLoad });
  return crop === undefined ? image : image.extract(crop);
};

/** The raw samples of an image, uint8[H,W,channels] unless its pipeline asks for other ones. */
interface Raw extends Size {
  readonly data: Buffer;
}

/**
 * Longest time that libvips may take for one image, in seconds. An image of the most pixels takes 3 s with a whole processor; what takes
 * longer was made for it.
 */
const MAX_DECODE_SECONDS = 20;

/** Ends a pipeline. @throws `DEADLINE_EXCEEDED`, `INVALID_INPUT` when it fails or takes too long */
const toRaw = async (pipeline: Sharp, deadline: Deadline, refuse: (error: unknown) => never): Promise<Raw> => {
  const seconds = Math.min(MAX_DECODE_SECONDS, Math.max(1, Math.ceil(deadline.remainingMs() / 1000)));
  try {
    const { data, info } = await pipeline.timeout({ seconds }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (error) {
    assertTimeLeft(deadline, 'while an image was decoded');
    return refuse(error);
  }
};

const fromRaw = (data: Uint8Array, { width, height }: Size, channels: 1 | 3): Sharp =>
  loadSharp()(data, { raw: { width, height, channels }, limitInputPixels: false });

/**
 * Samples that libvips cannot resize as Pillow would: with alpha it resizes premultiplied colours, and it turns the other ones into other
 * levels. They are decoded first, and resized as 8-bit grey or RGB, which costs little more than resizing while decoding.
 */
const decodeFirst = async (
  encoded: Sharp,
  samples: Exclude<Samples, 'plain'>,
  raw: (pipeline: Sharp) => Promise<Raw>,
  finish: (pixels: Pixels) => void = () => {},
): Promise<Sharp> => {
  if (samples === 'cmyk') {
    const cmyk = await raw(encoded.pipelineColourspace('cmyk').toColourspace('cmyk').raw());
    return fromRaw(cmykToRgb(cmyk.data), cmyk, 3);
  }
  if (samples === 'grey16') {
    const grey = await raw(encoded.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }));
    return fromRaw(cutLevels(grey.data), grey, 1);
  }
  const rgb = await raw(encoded.removeAlpha().toColourspace('srgb').raw());
  finish(rgb);
  return fromRaw(rgb.data, rgb, 3);
};

/**
 * Reads the header of an encoded image.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for another format, `INVALID_INPUT` for a file that is no image or is damaged, `PAYLOAD_TOO_LARGE` for
 *   too many pixels
 */
export const openImage = async (bytes: Uint8Array, deadline: Deadline): Promise<EncodedImage> => {
  const format = sniffFormat(bytes);
  assertCheap(format, bytes);
  const refuse = (error: unknown): never => {
    throw undecodable(bytes, format, error);
  };
  const gif = format === 'gif' ? readGifFrame(bytes) : undefined;
  const encoded = open(gif?.bytes ?? bytes, format);
  const ordinary = format === 'jpeg' ? readOrdinaryJpegHeader(bytes) : undefined;
  const header: Header = ordinary
    ? { ...ordinary, samples: 'plain' }
    : toHeader(format, bytes, await encoded.metadata().catch(refuse));
  const refused = format === 'tiff' ? refusedSamples(bytes) : undefined;
  if (refused !== undefined) refuseSamples(format, refused);
  const { width, height } = header;
  const samples = gif?.leavesMargin ? 'other' : header.samples;
  assertSize(format, header);

  const raw = (pipeline: Sharp): Promise<Raw> => toRaw(pipeline, deadline, refuse);
  const decode = async (shrink?: Shrink): Promise<Pixels> => {
    const image = samples === 'plain' ? encoded : await decodeFirst(encoded, samples, raw, gif?.fillAround);
    return raw(shrunk(image, shrink).removeAlpha().toColourspace('srgb').raw());
  };
  const isPlain = samples === 'plain';
  return {
    width,
    height,
    isPlain,
    halvesOnLoad: isPlain && format === 'jpeg' && width % 2 === 0 && height % 2 === 0,
    decode,
  };
};
