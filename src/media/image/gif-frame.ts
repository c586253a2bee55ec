import type { Rectangle } from './geometry.ts';
import type { Pixels } from './resample.ts';

const [HEADER_BYTES, EXTENSION, CONTROL, DESCRIPTOR] = [13, 0x21, 0xf9, 0x2c];
const HAS_PALETTE = 0x80;
const IS_TRANSPARENT = 0x01;

/** The first frame of a GIF as Pillow shows it: in colours, without transparency. */
interface GifFrame {
  /** The file with its transparent pixels in the colour that they have in the palette: libvips would make them black. */
  readonly bytes: Uint8Array;
  /** True if pixels around the frame are left, which `fillAround` gives their colour. */
  readonly leavesMargin: boolean;
  /** Gives the pixels around the frame the transparent colour, or the first one. */
  fillAround(pixels: Pixels): void;
}

/** Behind a chain of blocks, each of which begins with its length; the last one has the length 0. */
const skipBlocks = (bytes: Uint8Array, start: number): number => {
  let at = start;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) at += length + 1;
  return at + 1;
};

/** The palette whose flags are `packed`; undefined if there is none. */
const paletteAt = (bytes: Uint8Array, at: number, packed: number): Uint8Array | undefined =>
  (packed & HAS_PALETTE) === 0 ? undefined : bytes.subarray(at, at + 3 * (2 << (packed & 7)));

/** Gives the pixels outside of `frame` one colour, a row at a time. */
const fill = ({ data, width, height }: Pixels, frame: Rectangle, colour: Uint8Array): void => {
  const row = Buffer.alloc(width * 3, colour);
  const [left, right] = [Math.min(frame.left, width) * 3, Math.min(frame.left + frame.width, width) * 3];
  for (let y = 0; y < height; y += 1) {
    const isBeside = y >= frame.top && y < frame.top + frame.height;
    const start = y * row.byteLength;
    data.set(isBeside ? row.subarray(0, left) : row, start);
    if (isBeside) data.set(row.subarray(right), start + right);
  }
};

/** Reads the blocks before the pixels of the first frame; undefined for a GIF without one, or without a palette. */
export const readGifFrame = (bytes: Uint8Array): GifFrame | undefined => {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const screen = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  const palette = paletteAt(bytes, HEADER_BYTES, view.getUint8(10));
  let opaque = bytes;
  let transparent = 0;
  let at = HEADER_BYTES + (palette?.byteLength ?? 0);
  for (; bytes[at] === EXTENSION; at = skipBlocks(bytes, at + 2)) {
    if (bytes[at + 1] !== CONTROL || ((bytes[at + 3] ?? 0) & IS_TRANSPARENT) === 0) continue;
    if (opaque === bytes) opaque = Uint8Array.from(bytes);
    opaque[at + 3] = (bytes[at + 3] ?? 0) & ~IS_TRANSPARENT;
    transparent = bytes[at + 6] ?? 0;
  }
  if (bytes[at] !== DESCRIPTOR || at + 10 > bytes.byteLength) return undefined;
  const short = (offset: number): number => view.getUint16(at + offset, true);
  const [left, top, width, height] = [short(1), short(3), short(5), short(7)];
  const colours = paletteAt(bytes, at + 10, view.getUint8(at + 9)) ?? palette;
  if (colours === undefined) return undefined;
  const colour = Uint8Array.from({ length: 3 }, (_, channel) => colours[transparent * 3 + channel] ?? 0);
  const isWhole = left === 0 && top === 0 && width >= screen.width && height >= screen.height;
  return {
    bytes: opaque,
    leavesMargin: !isWhole,
    fillAround: (pixels) => fill(pixels, { left, top, width, height }, colour),
  };
};
