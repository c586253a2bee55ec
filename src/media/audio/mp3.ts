import {
  type AudioHeader,
  type AudioStream,
  attempt,
  type Block,
  createDecodedCheck,
  refuseAudio,
} from './audio-stream.ts';
import { withoutTrailingTags } from './tags.ts';

/** Bytes that are decoded at a time: a frame has at least 24 bytes, so their samples are few. */
const STEP_BYTES = 4_096;

/** Kilobits per second of layer III by index: under 1 for MPEG 1, under 2 for MPEG 2 and 2.5. */
const BIT_RATES = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];
/** Divisors of the sample rates by the two bits of the version: MPEG 2.5, reserved, MPEG 2, MPEG 1. */
const RATE_DIVISORS = [4, undefined, 2, 1];

interface Frame {
  /** Offset in the file. */
  readonly start: number;
  readonly sampleRate: number;
  readonly sizeBytes: number;
  readonly sampleCount: number;
  /** Offset in the file at which the side information ends; in the first frame a header of the whole file may follow. */
  readonly sideInfoEnd: number;
}

/** The layer III frame at offset `at`, if its header is there (ISO 11172-3, 2.4.2.3). */
const parseFrame = (bytes: Uint8Array, at: number): Frame | undefined => {
  const [sync = 0, kind = 0, rates = 0, mode = 0] = bytes.subarray(at, at + 4);
  const divisor = RATE_DIVISORS[(kind >> 3) & 3];
  const rate = SAMPLE_RATES[(rates >> 2) & 3];
  const isLayer3 = sync === 0xff && (kind & 0xe0) === 0xe0 && ((kind >> 1) & 3) === 1;
  if (!isLayer3 || divisor === undefined || rate === undefined) return undefined;
  const bitRate = BIT_RATES[divisor === 1 ? 1 : 2][rates >> 4];
  if (!bitRate) return undefined; // 0 is "free", which nobody writes
  const sampleRate = rate / divisor;
  const sampleCount = divisor === 1 ? 1_152 : 576;
  const isMono = mode >> 6 === 3;
  const sideInfoBytes = divisor === 1 ? (isMono ? 17 : 32) : isMono ? 9 : 17;
  const sizeBytes = Math.floor((sampleCount * bitRate * 125) / sampleRate) + ((rates >> 1) & 1);
  return { start: at, sampleRate, sizeBytes, sampleCount, sideInfoEnd: at + 4 + sideInfoBytes };
};

/** The first frame that another frame or the end of the file follows, so that random bytes are not taken for a frame. */
const findFrame = (bytes: Uint8Array): Frame | undefined => {
  const end = Math.min(bytes.byteLength, 65_536);
  for (let at = 0; at < end; at += 1) {
    const frame = parseFrame(bytes, at);
    if (frame === undefined) continue;
    const next = at + frame.sizeBytes;
    if (next === bytes.byteLength || parseFrame(bytes, next)?.sampleRate === frame.sampleRate) return frame;
  }
  return undefined;
};

/** Frames that encoders add before and after the audio, and the decoder removes. */
const ADDED_FRAMES = 4;

/** Fewest samples of the whole file, if the encoder recorded the number of frames (header of Xing). */
const readSampleCount = (bytes: Uint8Array, { sideInfoEnd, sampleCount }: Frame): number | undefined => {
  const head = Buffer.from(bytes.subarray(sideInfoEnd, sideInfoEnd + 12));
  const hasCount = /^(Xing|Info)/.test(head.toString('latin1')) && head.length === 12 && (head.readUInt8(7) & 1) === 1;
  return hasCount ? Math.max(0, head.readUInt32BE(8) - ADDED_FRAMES) * sampleCount : undefined;
};

async function* readBlocks(bytes: Uint8Array, header: AudioHeader): AsyncGenerator<Block> {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const check = createDecodedCheck(header);
  try {
    for (let at = 0; at < bytes.byteLength; at += STEP_BYTES) {
      const step = bytes.subarray(at, at + STEP_BYTES);
      yield check(await attempt(header.format, () => decoder.decode(step)));
    }
  } finally {
    decoder.free();
  }
}

/** Tells whether a layer III frame stands at the beginning of the file, or behind a few other bytes. */
export const isMp3 = (bytes: Uint8Array): boolean => findFrame(withoutTrailingTags(bytes)) !== undefined;

/**
 * Opens an MP3 file: MPEG 1, 2 or 2.5, layer III.
 * @throws `INVALID_INPUT`
 */
export const openMp3 = (file: Uint8Array): AudioStream => {
  const bytes = withoutTrailingTags(file);
  const frame = findFrame(bytes);
  if (frame === undefined) return refuseAudio('mp3', 'has no MP3 frame; check that the file is complete');
  const sampleCount = readSampleCount(bytes, frame);
  // The decoder returns two channels for mono, too.
  const header: AudioHeader = { format: 'mp3', sampleRate: frame.sampleRate, channels: 2 };
  return {
    ...header,
    ...(sampleCount !== undefined && { sampleCount }),
    blocks: () => readBlocks(bytes.subarray(frame.start), header),
  };
};
