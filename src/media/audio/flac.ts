import {
  type AudioHeader,
  type AudioStream,
  attempt,
  type Block,
  createDecodedCheck,
  refuseAudio,
} from './audio-stream.ts';
import { withoutTrailingTags } from './tags.ts';

/** Bytes that are decoded at first. Twelve bytes of silence become 65,535 samples, a kilobyte of them six minutes. */
const FIRST_STEP_BYTES = 64;
const MAX_STEP_BYTES = 8_192;
/** Samples of a step, about: the caller looks at the deadline between two of them. */
const STEP_SAMPLES = 500_000;

/** The size of the next step, after one of `bytes` that gave `samples` samples. */
const nextStep = (bytes: number, samples: number): number =>
  samples > STEP_SAMPLES ? Math.max(FIRST_STEP_BYTES, bytes >> 1) : Math.min(MAX_STEP_BYTES, bytes << 1);

interface FlacHeader extends AudioHeader {
  /** Bits of each sample. */
  readonly bits: number;
}

/** Divides samples by a power of two, as other programs do. The decoder divides by the largest integer, which can be undone exactly. */
const rescale = (samples: Float32Array, bits: number): Float32Array => {
  const full = 2 ** (bits - 1);
  for (let i = 0; i < samples.length; i += 1) samples[i] = Math.round((samples[i] ?? 0) * (full - 1)) / full;
  return samples;
};

const FRAME_HEADER_BYTES = 16; // its longest form

/** The header of the first frame, behind the blocks of metadata; zeros in a file that ends before it. */
const firstFrameHeader = (bytes: Uint8Array): Uint8Array => {
  let at = 4;
  for (let isLast = false; !isLast && at + 4 <= bytes.byteLength; ) {
    const [kind = 0, high = 0, middle = 0, low = 0] = bytes.subarray(at, at + 4);
    isLast = kind >= 0x80;
    at += 4 + high * 65_536 + middle * 256 + low;
  }
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  header.set(bytes.subarray(at, at + FRAME_HEADER_BYTES));
  return header;
};

async function* readBlocks(bytes: Uint8Array, header: FlacHeader): AsyncGenerator<Block> {
  const { format, bits } = header;
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  const check = createDecodedCheck(header);
  try {
    let size = FIRST_STEP_BYTES;
    for (let at = 0; at < bytes.byteLength; ) {
      const step = bytes.subarray(at, at + size);
      const block = check(await attempt(format, () => decoder.decode(step)));
      yield block.map((samples) => rescale(samples, bits));
      at += size;
      size = nextStep(size, block[0]?.length ?? 0);
    }
    // The decoder finds a frame by the header behind it. To flush it instead loses a last frame of a few bytes, which silence makes, and would
    // decode this header as a frame, where the first frame is as short as a header.
    yield check(await attempt(format, () => decoder.decode(firstFrameHeader(bytes)))).map((samples) =>
      rescale(samples, bits),
    );
  } finally {
    decoder.free();
  }
}

/**
 * Opens a FLAC file (RFC 9639), whose first block, STREAMINFO, is the header.
 * @throws `INVALID_INPUT`
 */
export const openFlac = (file: Uint8Array): AudioStream => {
  const bytes = withoutTrailingTags(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hasHeader = bytes.byteLength >= 42 && (view.getUint8(4) & 0x7f) === 0;
  if (!hasHeader) return refuseAudio('flac', 'has no STREAMINFO block; check that the file is complete');
  const packed = view.getUint32(18); // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 4 of the length
  const sampleCount = (packed & 15) * 2 ** 32 + view.getUint32(22);
  const bits = ((packed >>> 4) & 31) + 1;
  const header: FlacHeader = { format: 'flac', sampleRate: packed >>> 12, channels: ((packed >>> 9) & 7) + 1, bits };
  const { format, sampleRate, channels } = header;
  const blocks = () => readBlocks(bytes, header);
  return { format, sampleRate, channels, ...(sampleCount > 0 && { sampleCount }), blocks };
};
