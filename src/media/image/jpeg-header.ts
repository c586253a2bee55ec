import type { Size } from './processors.ts';

const SCAN = 0xda;
/** Also XMP: where a camera says which side is up. */
const APP1 = 0xe1;
/** Frames of the usual codings: baseline, extended, progressive. */
const USUAL_FRAMES = new Set([0xc0, 0xc1, 0xc2]);
/** Tables and an extension, numbered among the frames. */
const NO_FRAMES = new Set([0xc4, 0xc8, 0xcc]);

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker);
/** Markers that no length follows, and bytes that only fill up. */
const isBare = (marker: number): boolean => marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9) || marker === 0xff;

/**
 * The size of an ordinary JPEG: 8-bit grey or colour, its samples `plain`, stored upright. undefined for any other, and for one that is
 * damaged before its first scan: of those libvips tells, which takes 0.3 ms. ITU-T T.81, annex B.
 */
export const readOrdinaryJpegHeader = (bytes: Uint8Array): Size | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: Size | undefined;
  for (let at = 2; at + 10 <= bytes.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || isBare(marker) || marker === APP1) return undefined;
    if (marker === SCAN) return size;
    if (!isFrame(marker)) continue;
    const bitsPerSample = view.getUint8(at + 4);
    const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
    const channels = view.getUint8(at + 9);
    const isOrdinary = USUAL_FRAMES.has(marker) && bitsPerSample === 8 && (channels === 1 || channels === 3);
    if (!isOrdinary || size !== undefined || width === 0 || height === 0) return undefined;
    size = { width, height };
  }
  return undefined;
};
