import { type AudioFormat, refuseAudio } from './audio-stream.ts';

/** A page of an Ogg stream, RFC 3533. */
export interface Page {
  readonly bytes: Uint8Array;
  /** Sizes of its segments; a segment below 255 bytes ends a packet. */
  readonly segments: Uint8Array;
  readonly body: Uint8Array;
  /** Samples of each channel up to its last complete packet; undefined when no packet ends in it. */
  readonly granule: number | undefined;
  readonly isLast: boolean;
}

const CHECKSUMS = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  return value;
});

/** The CRC-32 of a page, whose own four bytes count as zero. */
const checksum = (page: Uint8Array): number => {
  let value = 0;
  for (let at = 0; at < page.byteLength; at += 1) {
    const byte = at >= 22 && at < 26 ? 0 : (page[at] ?? 0);
    value = (value << 8) ^ (CHECKSUMS[((value >>> 24) ^ byte) & 255] ?? 0);
  }
  return value >>> 0;
};

const NO_PACKET_ENDS = 0xffff_ffff_ffff_ffffn;

/** Reads and checks all pages. @throws `INVALID_INPUT` for a page that is damaged, cut or missing, or belongs to another stream */
export const readPages = (bytes: Uint8Array, format: AudioFormat): Page[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pages: Page[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const left = bytes.byteLength - at;
    const segmentCount = left >= 27 ? view.getUint8(at + 26) : 0;
    const segments = bytes.subarray(at + 27, at + 27 + segmentCount);
    const size = 27 + segmentCount + segments.reduce((sum, segment) => sum + segment, 0);
    if (left < 27 || size > left)
      return refuseAudio(format, `was cut within page ${pages.length}; send the whole file`);
    const page = bytes.subarray(at, at + size);
    if (view.getUint32(at) !== 0x4f676753 || checksum(page) !== view.getUint32(at + 22, true))
      return refuseAudio(format, `is damaged in page ${pages.length}`);
    if (view.getUint32(at + 14, true) !== view.getUint32(14, true))
      return refuseAudio(format, 'holds several streams, expected one; save it anew');
    if (view.getUint32(at + 18, true) !== view.getUint32(18, true) + pages.length)
      return refuseAudio(format, `lacks its page ${pages.length}; send the whole file`);
    const granule = view.getBigUint64(at + 6, true);
    pages.push({
      bytes: page,
      segments,
      body: page.subarray(27 + segmentCount),
      granule: granule === NO_PACKET_ENDS ? undefined : Number(granule),
      isLast: (view.getUint8(at + 5) & 4) !== 0,
    });
    at += size;
  }
  return pages;
};

/** Fewest samples of each channel. A stream that was cut out of a longer stream does not begin at zero. */
export const countSamples = (pages: readonly Page[]): number => {
  const granules = pages.flatMap(({ granule }) => (granule ? [granule] : []));
  const [first = 0] = granules;
  return (granules.at(-1) ?? first) - first;
};
