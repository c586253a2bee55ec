import {
  type AudioHeader,
  type AudioStream,
  attempt,
  type Block,
  createDecodedCheck,
  refuseAudio,
} from './audio-stream.ts';

/** Bytes that are decoded at a time: twelve bytes of silence become 65,535 samples. */
const STEP_BYTES = 1_024;

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

async function* readBlocks(bytes: Uint8Array, header: FlacHeader): AsyncGenerator<Block> {
  const { format, bits } = header;
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  const check = createDecodedCheck(header);
  try {
    for (let at = 0; at < bytes.byteLength; at += STEP_BYTES) {
      const step = bytes.subarray(at, at + STEP_BYTES);
      const block = check(await attempt(format, () => decoder.decode(step)));
      yield block.map((samples) => rescale(samples, bits));
    }
    yield check(await attempt(format, () => decoder.flush())).map((samples) => rescale(samples, bits));
  } finally {
    decoder.free();
  }
}

/**
 * Opens a FLAC file (RFC 9639), whose first block, STREAMINFO, is the header.
 * @throws `INVALID_INPUT`
 */
export const openFlac = (bytes: Uint8Array): AudioStream => {
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
