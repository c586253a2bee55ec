import { createRequire } from 'node:module';
import type createSharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';
import { ServingError } from '../../core/errors.ts';
import { type ImageFormat, sniffFormat } from './format.ts';
import { MAX_PIXELS, type Rectangle } from './geometry.ts';
import { readOrdinaryJpegHeader } from './jpeg-header.ts';
import type { Size } from './processors.ts';
import type { Pixels } from './resample.ts';

/** How the samples are stored, as far as decoding has to tell them apart; `plain` is 8-bit grey or RGB without alpha. */
type Samples = 'plain' | 'cmyk' | 'grey16' | 'other';

/** An encoded picture whose header was read. Width and height are those of the picture upright. */
export interface Picture extends Size {
  readonly samples: Samples;
  /**
   * RGB pixels, upright; the first frame or page of several. Alpha is dropped, not blended. To be called once.
   * @param shrink only for `plain` samples: with alpha, libvips would resize premultiplied colours
   * @throws `INVALID_INPUT` when the picture is damaged
   */
  decode(shrink?: Shrink): Promise<Pixels>;
}

/** libvips' names of Pillow's filters. */
const KERNELS = { bilinear: 'linear', bicubic: 'cubic', lanczos: 'lanczos3' } as const;

/** A resize that libvips does while it decodes, and the part of its result that is kept. */
export interface Shrink {
  readonly size: Size;
  readonly method: keyof typeof KERNELS;
  readonly crop?: Rectangle;
}

const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff'].map((format) => `VipsForeignLoad${format}`);

let loaded: typeof createSharp | undefined;

/** On first use, so that a function without pictures never loads it; through `require`, which finds it in a layer. */
const loadSharp = (): typeof createSharp => {
  if (loaded !== undefined) return loaded;
  const sharp = createRequire(import.meta.url)('sharp') as typeof createSharp;
  sharp.cache(false); // no picture comes twice
  sharp.concurrency(1); // the pictures of a batch are decoded side by side already
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
  loaded = sharp;
  return sharp;
};

/**
 * As Pillow reads: EXIF orientation applied, colour profiles ignored, minor damage forgiven; but not in a TIFF, of which libvips leaves
 * damaged strips black.
 */
const open = (bytes: Uint8Array, format: ImageFormat): Sharp => {
  const failOn = format === 'tiff' ? 'error' : 'truncated';
  return loadSharp()(bytes, { autoOrient: true, ignoreIcc: true, failOn, limitInputPixels: false });
};

const undecodable = (bytes: Uint8Array, format: ImageFormat, error: unknown): ServingError => {
  const lines = String(error instanceof Error ? error.message : error).split('\n');
  const reason = lines.filter((line) => !line.startsWith('source: ')).join(' '); // what libvips tried on the way
  const message = `the picture (${format}, ${bytes.byteLength} bytes) cannot be decoded: ${reason}; check that it is complete`;
  return new ServingError('INVALID_INPUT', message, { cause: error });
};

type Header = Pick<Picture, 'width' | 'height' | 'samples'>;

/** Samples that would be decoded to other colours than Pillow's. */
const assertSamples = (format: ImageFormat, { space, depth, channels }: Metadata): void => {
  const depths = space === 'cmyk' ? ['uchar'] : ['uchar', 'ushort'];
  if (depths.includes(depth) && channels <= 4) return;
  throw new ServingError(
    'INVALID_INPUT',
    `the picture (${format}) has ${channels} channels of ${depth} in ${space}, which is not decoded here; save it as 8-bit RGB`,
  );
};

const toSamples = ({ space, depth, hasAlpha, bitsPerSample }: Metadata): Samples => {
  if (space === 'cmyk') return 'cmyk';
  if (space === 'grey16' && !hasAlpha) return 'grey16';
  const isPlain = depth === 'uchar' && bitsPerSample !== 1 && !hasAlpha && (space === 'srgb' || space === 'b-w');
  return isPlain ? 'plain' : 'other';
};

/** @throws `INVALID_INPUT` for samples that are not decoded here */
const toHeader = (format: ImageFormat, metadata: Metadata): Header => {
  assertSamples(format, metadata);
  return { ...metadata.autoOrient, samples: toSamples(metadata) };
};

/** Decoding AVIF takes four times the memory of the other formats, and more with alpha and ten bits. */
const MAX_AVIF_PIXELS = 16_000_000;

const assertPixels = (format: ImageFormat, width: number, height: number): void => {
  const limit = format === 'avif' ? MAX_AVIF_PIXELS : MAX_PIXELS;
  if (width * height <= limit) return;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `the picture (${format}) has ${width}×${height} pixels, at most ${limit / 1e6} megapixels are accepted; send a smaller one`,
  );
};

/** What a decoder goes through again for each of many parts. Encoders write a dozen scans, and a picture needs one frame. */
const COSTLY_PARTS: Partial<
  Record<ImageFormat, { readonly marker: Buffer; readonly name: string; readonly most: number }>
> = {
  jpeg: { marker: Buffer.from([0xff, 0xda]), name: 'scans', most: 100 },
  webp: { marker: Buffer.from('ANMF'), name: 'frames', most: 5_000 },
};

/** Refuses small files that would keep the decoder busy for half a minute. */
const assertCheap = (format: ImageFormat, bytes: Uint8Array): void => {
  const costly = COSTLY_PARTS[format];
  if (costly === undefined) return;
  const { marker, name, most } = costly;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = buffer.indexOf(marker); at >= 0; at = buffer.indexOf(marker, at + marker.length)) {
    count += 1;
    if (count > most)
      throw new ServingError(
        'INVALID_INPUT',
        `the picture (${format}) has more than ${most} ${name}; save it anew as an ordinary ${format}`,
      );
  }
};

/** What a PNG claims, at its fixed place: an oversized one is refused as such even if it holds nothing else. */
const assertPngHeader = (bytes: Uint8Array): void => {
  if (bytes.byteLength < 24) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assertPixels('png', view.getUint32(16), view.getUint32(20));
};

/** Pillow's conversion: without profiles, by arithmetic alone. `data` is uint8[H,W,4]. */
const cmykToRgb = (data: Uint8Array): Uint8Array => {
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const white = 255 - (data[from + 3] as number);
    for (let channel = 0; channel < 3; channel += 1, to += 1) {
      const product = (data[from + channel] as number) * white + 128;
      rgb[to] = white - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
};

/** Pillow's conversion, which cuts 16-bit grey at 255 where other programs divide by 257. `data` is uint16[H,W]. */
const grey16ToRgb = (data: Buffer): Uint8Array => {
  const levels = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const rgb = new Uint8Array(levels.length * 3);
  levels.forEach((level, i) => {
    rgb.fill(Math.min(255, level), i * 3, i * 3 + 3);
  });
  return rgb;
};

const shrunk = (picture: Sharp, { size, method, crop }: Shrink): Sharp => {
  picture.resize({ ...size, fit: 'fill', kernel: KERNELS[method], fastShrinkOnLoad: false });
  return crop === undefined ? picture : picture.extract(crop);
};

/**
 * Reads the header of an encoded picture.
 * @throws `UNSUPPORTED_MEDIA_TYPE`; `INVALID_INPUT` when it is no picture; `PAYLOAD_TOO_LARGE` above `MAX_PIXELS`
 */
export const openPicture = async (bytes: Uint8Array): Promise<Picture> => {
  const format = sniffFormat(bytes);
  if (format === 'png') assertPngHeader(bytes);
  assertCheap(format, bytes);
  const refuse = (error: unknown): never => {
    throw undecodable(bytes, format, error);
  };
  const encoded = open(bytes, format);
  const ordinary = format === 'jpeg' ? readOrdinaryJpegHeader(bytes) : undefined;
  const header = ordinary
    ? { ...ordinary, samples: 'plain' as const }
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
    const picture = shrink === undefined ? encoded : shrunk(encoded, shrink);
    return read(picture.removeAlpha().toColourspace('srgb').raw());
  };
  return { width, height, samples, decode };
};
