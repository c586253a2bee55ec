import { type AudioStream, attempt, type Block, createDecodedCheck, refuseAudio } from './audio-stream.ts';
import { countSamples, type Link, openLinks, type Page } from './ogg-pages.ts';

/** Rate to which Opus always decodes, and by which its pages count samples. */
const SAMPLE_RATE = 48_000;

const MAGIC = 'OpusHead';

/** The first packet (RFC 7845, 5.1). */
interface OpusHead {
  readonly channels: number;
  /** Samples at the beginning that are no audio, but set up the decoder. */
  readonly preSkip: number;
  /** Factor for all samples. */
  readonly gain: number;
  readonly streamCount: number;
  readonly coupledStreamCount: number;
  readonly channelMappingTable: number[];
}

const parseOpusHead = (packet: Uint8Array): OpusHead => {
  const head = Buffer.from(packet);
  if (!head.toString('latin1').startsWith(MAGIC)) return refuseAudio('ogg-opus', 'changes its codec; save it anew');
  const channels = head.length < 19 ? 0 : head.readUInt8(9);
  const family = head.length < 19 ? 0 : head.readUInt8(18);
  const isMapped = family === 1 && head.length >= 21 + channels;
  if (channels === 0 || (family === 0 ? channels > 2 : !isMapped))
    return refuseAudio(
      'ogg-opus',
      `has a header with ${channels} channels in mapping ${family}, which is not decoded here`,
    );
  return {
    channels,
    preSkip: head.readUInt16LE(10),
    gain: 10 ** (head.readInt16LE(16) / 256 / 20),
    streamCount: isMapped ? head.readUInt8(19) : 1,
    coupledStreamCount: isMapped ? head.readUInt8(20) : channels - 1,
    channelMappingTable: isMapped ? [...head.subarray(21, 21 + channels)] : [0, 1].slice(0, channels),
  };
};

/** Yields each page with the packets that end in it; a packet may begin in an earlier page. */
function* readPackets(pages: readonly Page[]): Generator<{ page: Page; packets: Uint8Array[] }> {
  let begun: Uint8Array[] = [];
  for (const page of pages) {
    const packets: Uint8Array[] = [];
    let at = 0;
    for (const size of page.segments) {
      begun.push(page.body.subarray(at, at + size));
      at += size;
      if (size === 255) continue;
      packets.push(Buffer.concat(begun));
      begun = [];
    }
    yield { page, packets };
  }
}

async function* readBlocks(pages: readonly Page[], head: OpusHead): AsyncGenerator<Block> {
  const { preSkip, gain, ...options } = head;
  const { OpusDecoder } = await import('opus-decoder');
  const decoder = new OpusDecoder(options);
  await decoder.ready;
  const check = createDecodedCheck({ format: 'ogg-opus', sampleRate: SAMPLE_RATE, channels: head.channels });
  let toSkip = preSkip;
  let granule = 0;
  let headers = 2; // OpusHead and OpusTags
  try {
    for (const { page, packets } of readPackets(pages)) {
      const audioPackets = packets.slice(headers);
      headers -= packets.length - audioPackets.length;
      if (audioPackets.length === 0) continue;
      const block = check(await attempt('ogg-opus', () => decoder.decodeFrames(audioPackets)));
      const length = block[0]?.length ?? 0;
      const end = page.isLast && page.granule !== undefined ? Math.max(0, page.granule - granule) : length;
      const start = Math.min(toSkip, length);
      toSkip -= start;
      granule = page.granule ?? granule;
      yield block.map((samples) => samples.subarray(start, Math.max(start, end)).map((sample) => sample * gain));
    }
  } finally {
    decoder.free();
  }
}

const openLink = ({ pages }: Link): AudioStream => {
  const head = parseOpusHead(pages[0]?.body ?? new Uint8Array());
  const sampleCount = Math.max(0, countSamples(pages) - head.preSkip);
  return {
    format: 'ogg-opus',
    sampleRate: SAMPLE_RATE,
    channels: head.channels,
    sampleCount,
    blocks: () => readBlocks(pages, head),
  };
};

/**
 * Opens an Ogg Opus file (RFC 7845).
 * @throws `INVALID_INPUT`
 */
export const openOpus = (bytes: Uint8Array): AudioStream => openLinks(bytes, 'ogg-opus', openLink);
