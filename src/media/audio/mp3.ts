import { type AudioFile, attempt, type Block, createDecodedCheck, refuseAudio } from './audio-file.ts';

/** A frame has at least 24 bytes: so no step has many more samples than bytes. */
const STEP_BYTES = 4_096;

/** Kilobits per second of layer III by index, of MPEG 1 and of MPEG 2 and 2.5. */
const BIT_RATES = {
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];
/** By the version's two bits: by what MPEG 2 and 2.5 divide the rates of MPEG 1; 1 is reserved. */
const RATE_DIVISORS = [4, undefined, 2, 1];

interface Frame {
  readonly sampleRate: number;
  readonly sizeBytes: number;
  readonly sampleCount: number;
  /** Where a header of the whole file lies in the first frame. */
  readonly sideInfoEnd: number;
}

/** The layer III frame at `at`, by its header (ISO 11172-3, 2.4.2.3); undefined when there is none. */
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
  return { sampleRate, sizeBytes, sampleCount, sideInfoEnd: at + 4 + sideInfoBytes };
};

/** The first of two frames that follow one another, so that no chance bytes are taken for one. */
const findFrame = (bytes: Uint8Array, from: number): Frame | undefined => {
  const end = Math.min(bytes.byteLength, from + 65_536);
  for (let at = from; at < end; at += 1) {
    const frame = parseFrame(bytes, at);
    if (frame === undefined) continue;
    const next = at + frame.sizeBytes;
    if (next === bytes.byteLength || parseFrame(bytes, next)?.sampleRate === frame.sampleRate) return frame;
  }
  return undefined;
};

/** Where the sound begins: behind a tag of ID3v2, whose size is four times seven bits. */
const skipTag = (bytes: Uint8Array): number => {
  if (String.fromCharCode(...bytes.subarray(0, 3)) !== 'ID3') return 0;
  return 10 + bytes.subarray(6, 10).reduce((size, part) => size * 128 + (part & 127), 0);
};

/** Frames that encoders add before and after, and the decoder takes off. */
const ADDED_FRAMES = 4;

/** At least so many samples are in the whole file, where the encoder noted its frames (Xing's header). */
const readSampleCount = (bytes: Uint8Array, { sideInfoEnd, sampleCount }: Frame): number | undefined => {
  const head = Buffer.from(bytes.subarray(sideInfoEnd, sideInfoEnd + 12));
  const hasCount = /^(Xing|Info)/.test(head.toString('latin1')) && head.length === 12 && (head.readUInt8(7) & 1) === 1;
  return hasCount ? Math.max(1, head.readUInt32BE(8) - ADDED_FRAMES) * sampleCount : undefined;
};

async function* readBlocks(bytes: Uint8Array, file: Parameters<typeof createDecodedCheck>[0]): AsyncGenerator<Block> {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const check = createDecodedCheck(file);
  try {
    for (let at = 0; at < bytes.byteLength; at += STEP_BYTES) {
      const step = bytes.subarray(at, at + STEP_BYTES);
      yield check(await attempt(file.format, () => decoder.decode(step)));
    }
  } finally {
    decoder.free();
  }
}

/** Whether a layer III frame follows the tag, or a bit of junk, that the file begins with. */
export const isMp3 = (bytes: Uint8Array): boolean => findFrame(bytes, skipTag(bytes)) !== undefined;

/**
 * MPEG 1, 2 and 2.5, layer III.
 * @throws `INVALID_INPUT`
 */
export const openMp3 = (bytes: Uint8Array): AudioFile => {
  const frame = findFrame(bytes, skipTag(bytes));
  if (frame === undefined)
    return refuseAudio('mp3', 'has no MP3 frame behind its tag; check that the file is complete');
  const sampleCount = readSampleCount(bytes, frame);
  const file = { format: 'mp3', sampleRate: frame.sampleRate, channels: 2 } as const; // the decoder makes two of one
  return { ...file, ...(sampleCount !== undefined && { sampleCount }), blocks: () => readBlocks(bytes, file) };
};
