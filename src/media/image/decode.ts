import { createRequire } from 'node:module';
import type createSharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';
import { ServingError } from '../../core/errors.ts';
import { type ImageFormat, sniffFormat } from './format.ts';
import { MAX_PIXELS, type Rectangle } from './geometry.ts';
import { readOrdinaryJpegHeader } from './jpeg-header.ts';
import type { Size } from './processors.ts';
import type { Pixels } from './resample.ts';

/** Forms of samples that are decoded in different ways; `plain` is 8-bit grey or RGB without alpha. */
type Samples = 'plain' | 'cmyk' | 'grey16' | 'other';

/** An encoded image whose header was read. Width and height are those of the upright image. */
export interface EncodedImage extends Size {
  readonly samples: Samples;
  /**
   * Decodes the first frame or page to upright RGB pixels. Drops alpha without blending. May be called only once.
   * @param shrink for `plain` samples only: with alpha, libvips would resize premultiplied colours
   * @throws `INVALID_INPUT` for a damaged image
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

type Header = Pick<EncodedImage, 'width' | 'height' | 'samples'>;

/** @throws `INVALID_INPUT` for samples that libvips would decode to other colours than Pillow */
const assertSamples = (format: ImageFormat, { space, depth, channels }: Metadata): void => {
  const depths = space === 'cmyk' ? ['uchar'] : ['uchar', 'ushort'];
  if (depths.includes(depth) && channels <= 4) return;
  throw new ServingError(
    'INVALID_INPUT',
    `the image (${format}) has ${channels} channels of ${depth} in ${space}, which is not decoded here; save it as 8-bit RGB`,
  );
};

const toSamples = ({ space, depth, hasAlpha, bitsPerSample }: Metadata): Samples => {
  if (space === 'cmyk') return 'cmyk';
  if (space === 'grey16' && !hasAlpha) return 'grey16';
  const isPlain = depth === 'uchar' && bitsPerSample !== 1 && !hasAlpha && (space === 'srgb' || space === 'b-w');
  return isPlain ? 'plain' : 'other';
};

/** @throws the errors of `assertSamples` */
const toHeader = (format: ImageFormat, metadata: Metadata): Header => {
  assertSamples(format, metadata);
  return { ...metadata.autoOrient, samples: toSamples(metadata) };
};

/** Limit for AVIF, which takes four times the memory of other formats, and more with alpha and ten bits. */
const MAX_AVIF_PIXELS = 16_000_000;

const assertPixels = (format: ImageFormat, width: number, height: number): void => {
  const limit = format === 'avif' ? MAX_AVIF_PIXELS : MAX_PIXELS;
  if (width * height <= limit) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the image (${format}) has ${width}×${height} pixels, at most ${limit / 1e6} megapixels are accepted; send a smaller one`,
  );
};

/** Elements of a file, each of which costs the decoder time. Encoders write a dozen scans, and an image needs one frame. */
const COSTLY_ELEMENTS: Partial<
  Record<ImageFormat, { readonly marker: Buffer; readonly name: string; readonly most: number }>
> = {
  jpeg: { marker: Buffer.from([0xff, 0xda]), name: 'scans', most: 100 },
  webp: { marker: Buffer.from('ANMF'), name: 'frames', most: 5_000 },
};

/** @throws `INVALID_INPUT` for small files that would keep the decoder busy for half a minute */
const assertCheap = (format: ImageFormat, bytes: Uint8Array): void => {
  const costly = COSTLY_ELEMENTS[format];
  if (costly === undefined) return;
  const { marker, name, most } = costly;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = buffer.indexOf(marker); at >= 0; at = buffer.indexOf(marker, at + marker.length)) {
    count += 1;
    if (count > most)
      throw new ServingError(
        'INVALID_INPUT',
        `the image (${format}) has more than ${most} ${name}; save it anew as an ordinary ${format}`,
      );
  }
};

/** Checks the size at its fixed place in a PNG, before libvips reads the file. @throws `PAYLOAD_TOO_LARGE` */
const assertPngHeader = (bytes: Uint8Array): void => {
  if (bytes.byteLength < 24) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assertPixels('png', view.getUint32(16), view.getUint32(20));
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

/** Converts uint16[H,W] as Pillow does: it cuts levels at 255, while other programs divide them by 257. */
const grey16ToRgb = (data: Buffer): Uint8Array => {
  const levels = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const rgb = new Uint8Array(levels.length * 3);
  levels.forEach((level, i) => {
    rgb.fill(Math.min(255, level), i * 3, i * 3 + 3);
  });
  return rgb;
};

const shrunk = (image: Sharp, { size, method, crop }: Shrink): Sharp => {
  image.resize({ ...size, fit: 'fill', kernel: KERNELS[method], fastShrinkOnLoad: false });
  return crop === undefined ? image : image.extract(crop);
};

/**
 * Reads the header of an encoded image.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for another format, `INVALID_INPUT` for a file that is no image or is damaged, `PAYLOAD_TOO_LARGE` for
 *   too many pixels
 */
export const openImage = async (bytes: Uint8Array): Promise<EncodedImage> => {
  const format = sniffFormat(bytes);
  if (format === 'png') assertPngHeader(bytes);
  assertCheap(format, bytes);
  const refuse = (error: unknown): never => {
    throw undecodable(bytes, format, error);
  };
  const encoded = open(bytes, format);
  const ordinary = format === 'jpeg' ? readOrdinaryJpegHeader(bytes) : undefined;
  const header: Header = ordinary
    ? { ...ordinary, samples: 'plain' }
    : toHeader(format, await encoded.metadata().catch(refuse));
  const { width, height, samples } = header;
  assertPixels(format, width, height);

  const read = async (pipeline: Sharp, toRgb = (data: Buffer): Uint8Array => data): Promise<Pixels> => {
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true }).catch(refuse);
    return { width: info.width, height: info.height, data: toRgb(data) };
  };
  const decode = async (shrink?: Shrink): Promise<Pixels> => {
    if (samples === 'cmyk') return read(encoded.pipelineColourspace('cmyk').toColourspace('cmyk').raw(), cmykToRgb);
    if (samples === 'grey16') return read(encoded.toColourspace('grey16').raw({ depth: 'ushort' }), grey16ToRgb);
    const image = shrink === undefined ? encoded : shrunk(encoded, shrink);
    return read(image.removeAlpha().toColourspace('srgb').raw());
  };
  return { width, height, samples, decode };
};
