import { ServingError } from '../../core/errors.ts';
import type { ImageFormat } from './format.ts';
import type { Size } from './processors.ts';

/** Most pixels of an image: 64 megapixels take up to 0.5 GB to decode, a third of the default function's memory. */
export const MAX_PIXELS = 64_000_000;
/** Limit for AVIF, which takes four times the memory of other formats, and more with alpha and ten bits. */
const MAX_AVIF_PIXELS = 16_000_000;
/** Longest side that a JPEG can have. Decoders hold whole rows, and spend time on each row. */
const MAX_SIDE = 65_535;
/** Most lengths of the shorter side in the longer one. A panorama has 20; a line becomes many times as large when it is resized. */
const MAX_ASPECT_RATIO = 1_000;

/**
 * Checks the size of an image before it is decoded.
 * @throws `PAYLOAD_TOO_LARGE` for too many pixels and for too long a side, `INVALID_INPUT` for a line and for no pixels
 */
export const assertSize = (format: ImageFormat, { width, height }: Size): void => {
  const size = `the image (${format}) has ${width}×${height} pixels`;
  const limit = format === 'avif' ? MAX_AVIF_PIXELS : MAX_PIXELS;
  if (width * height > limit)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `${size}, at most ${limit / 1e6} megapixels are accepted; send a smaller one`,
    );
  if (Math.max(width, height) > MAX_SIDE)
    throw new ServingError('PAYLOAD_TOO_LARGE', `${size}, at most ${MAX_SIDE} a side are accepted; crop it`);
  if (Math.min(width, height) < 1)
    throw new ServingError('INVALID_INPUT', `${size}, expected 1 a side and more; check that it is complete`);
  if (Math.max(width, height) > MAX_ASPECT_RATIO * Math.min(width, height))
    throw new ServingError(
      'INVALID_INPUT',
      `${size}, and its longer side may have ${MAX_ASPECT_RATIO} times the length of the other one; crop it`,
    );
};

/** Elements of a file, each of which costs the decoder time. Encoders write a dozen scans, and an image needs one frame. */
const COSTLY_ELEMENTS: Partial<
  Record<ImageFormat, { readonly marker: Buffer; readonly name: string; readonly most: number }>
> = {
  jpeg: { marker: Buffer.from([0xff, 0xda]), name: 'scans', most: 100 },
  webp: { marker: Buffer.from('ANMF'), name: 'frames', most: 5_000 },
};

/** Checks the size at its fixed place in a PNG, before libvips reads the file. @throws the errors of `assertSize` */
const assertPngHeader = (bytes: Uint8Array): void => {
  if (bytes.byteLength < 24) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assertSize('png', { width: view.getUint32(16), height: view.getUint32(20) });
};

/** @throws `INVALID_INPUT` for small files that would keep the decoder busy for half a minute, the errors of `assertSize` */
export const assertCheap = (format: ImageFormat, bytes: Uint8Array): void => {
  if (format === 'png') assertPngHeader(bytes);
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
