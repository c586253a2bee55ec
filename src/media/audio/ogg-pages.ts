import { type AudioFormat, type AudioStream, refuseAudio } from './audio-stream.ts';

/** A page of an Ogg stream, RFC 3533. */
export interface Page {
  readonly bytes: Uint8Array;
  /** Sizes of its segments; a segment below 255 bytes ends a packet. */
  readonly segments: Uint8Array;
  readonly body: Uint8Array;
  /** Samples of each channel up to its last complete packet; undefined when no packet ends in it. */
  readonly granule: number | undefined;
  /** Marks of the first and the last page of a stream. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Number of the stream. */
  readonly serial: number;
  /** Number of the page in its stream. */
  readonly number: number;
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

/** Marks in the head of a page. */
const FIRST_PAGE = 2;
const LAST_PAGE = 4;

/** A stream of a file in which streams may follow each other. */
export interface Link {
  readonly bytes: Uint8Array;
  readonly pages: readonly Page[];
}

/** Reads and checks the page at offset `at`, page `index` of the file. @throws `INVALID_INPUT` for a page that is damaged or cut */
const readPage = (bytes: Uint8Array, view: DataView, at: number, index: number, format: AudioFormat): Page => {
  const left = bytes.byteLength - at;
  const segmentCount = left >= 27 ? view.getUint8(at + 26) : 0;
  const segments = bytes.subarray(at + 27, at + 27 + segmentCount);
  const size = 27 + segmentCount + segments.reduce((sum, segment) => sum + segment, 0);
  if (left < 27 || size > left) return refuseAudio(format, `was cut within page ${index}; send the whole file`);
  const page = bytes.subarray(at, at + size);
  if (view.getUint32(at) !== 0x4f676753 || checksum(page) !== view.getUint32(at + 22, true))
    return refuseAudio(format, `is damaged in page ${index}`);
  const granule = view.getBigUint64(at + 6, true);
  const marks = view.getUint8(at + 5);
  return {
    bytes: page,
    segments,
    body: page.subarray(27 + segmentCount),
    granule: granule === NO_PACKET_ENDS ? undefined : Number(granule),
    isFirst: (marks & FIRST_PAGE) !== 0,
    isLast: (marks & LAST_PAGE) !== 0,
    serial: view.getUint32(at + 14, true),
    number: view.getUint32(at + 18, true),
  };
};

/**
 * Reads and checks all pages of a file, whose streams may follow each other (RFC 3533, 4: chaining).
 * @throws `INVALID_INPUT` for a page that is damaged, cut or missing, and for streams side by side
 */
export const readLinks = (bytes: Uint8Array, format: AudioFormat): Link[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const links: { start: number; pages: Page[] }[] = [];
  let count = 0;
  for (let at = 0; at < bytes.byteLength; count += 1) {
    const page = readPage(bytes, view, at, count, format);
    const pages = links.at(-1)?.pages ?? [];
    const [first, last] = [pages[0], pages.at(-1)];
    if (last === undefined || (page.isFirst && !last.isFirst)) links.push({ start: at, pages: [page] });
    else {
      if (page.serial !== first?.serial)
        return refuseAudio(format, 'holds several streams side by side; save one of them');
      if (page.number !== last.number + 1) return refuseAudio(format, `lacks its page ${count}; send the whole file`);
      pages.push(page);
    }
    at += page.bytes.byteLength;
  }
  return links.map(({ start, pages }, index) => ({ bytes: bytes.subarray(start, links[index + 1]?.start), pages }));
};

/** Fewest samples of each channel. A stream that was cut out of a longer stream does not begin at zero. */
export const countSamples = (pages: readonly Page[]): number => {
  const granules = pages.flatMap(({ granule }) => (granule ? [granule] : []));
  const [first = 0] = granules;
  return (granules.at(-1) ?? first) - first;
};

/**
 * Opens each of the streams that follow each other, as one audio stream. The number of channels may change between them.
 * @throws `INVALID_INPUT` for streams of different sample rates, the errors of `readLinks` and `open`
 */
export const openLinks = (bytes: Uint8Array, format: AudioFormat, open: (link: Link) => AudioStream): AudioStream => {
  const streams = readLinks(bytes, format).map(open);
  const [first] = streams;
  if (first === undefined) return refuseAudio(format, 'has no pages');
  const { sampleRate } = first;
  const other = streams.find((stream) => stream.sampleRate !== sampleRate);
  if (other !== undefined)
    return refuseAudio(format, `changes within from ${sampleRate} Hz to ${other.sampleRate} Hz; save it anew`);
  return {
    format,
    sampleRate,
    channels: streams.reduce((most, { channels }) => Math.max(most, channels), 0),
    sampleCount: streams.reduce((sum, { sampleCount = 0 }) => sum + sampleCount, 0),
    async *blocks() {
      for (const stream of streams) {
        yield []; // lets the caller stop before the next decoder starts, if this stream has no samples
        yield* stream.blocks();
      }
    },
  };
};
