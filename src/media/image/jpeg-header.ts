import type { Size } from './processors.ts';

const SCAN = 0xda;
/** Segment of EXIF and XMP, which may give an orientation. */
const APP1 = 0xe1;
/** Frames of baseline, extended and progressive JPEG. */
const USUAL_FRAMES = new Set([0xc0, 0xc1, 0xc2]);
/** Tables and an extension that are numbered like frames. */
const NO_FRAMES = new Set([0xc4, 0xc8, 0xcc]);

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker);
/** Markers without a length after them, and fill bytes. */
const isBare = (marker: number): boolean => marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9) || marker === 0xff;

/**
 * Reads the size of an ordinary JPEG: 8-bit grey or colour, samples `plain`, stored upright (ITU-T T.81, annex B).
 * @returns undefined for any other JPEG, and for damage before the first scan; libvips reads their headers, which takes 0.3 ms
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
