const ENTRY_BYTES = 12;
const [BITS, COMPRESSION, COLOURS] = [258, 259, 262];
/** Values of `COLOURS` and `COMPRESSION` in TIFF 6.0. Only a decoder of JPEG turns YCbCr into RGB. */
const WHITE_IS_ZERO = 0;
const YCBCR = 6;
const JPEG = 7;

/** The first value of 16 bits of each entry in the first directory, by its tag; undefined for a directory beyond the file. */
const readEntries = (view: DataView): Map<number, number> | undefined => {
  const isLittle = view.getUint8(0) === 0x49;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > view.byteLength) return undefined;
  const count = view.getUint16(start, isLittle);
  if (start + 2 + count * ENTRY_BYTES > view.byteLength) return undefined;
  const entries = Array.from({ length: count }, (_, index): [number, number] => {
    const at = start + 2 + index * ENTRY_BYTES;
    return [view.getUint16(at, isLittle), view.getUint16(at + 8, isLittle)];
  });
  return new Map(entries);
};

/**
 * The samples of a TIFF of which libvips would make other colours than Pillow; undefined for all other ones. It takes YCbCr for RGB, and inverts
 * 16-bit levels that Pillow does not. libvips itself gives the reason for a damaged header.
 */
export const refusedSamples = (bytes: Uint8Array): string | undefined => {
  if (bytes.byteLength < 8) return undefined;
  const entries = readEntries(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const colours = entries?.get(COLOURS);
  if (colours === YCBCR && entries?.get(COMPRESSION) !== JPEG) return 'YCbCr';
  return colours === WHITE_IS_ZERO && entries?.get(BITS) === 16 ? '16-bit levels whose 0 is white' : undefined;
};
