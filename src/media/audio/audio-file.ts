import { ServingError } from '../../core/errors.ts';

export type AudioFormat = 'wav' | 'flac' | 'mp3' | 'ogg-vorbis' | 'ogg-opus';

/** Consecutive samples of a recording, one array of equal length per channel, nominally from -1 to 1. */
export type Block = readonly Float32Array[];

/** A recording of which only the header has been read. */
export interface AudioFile {
  readonly format: AudioFormat;
  /** In hertz. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Samples per channel as the header has them, where it has them: what is decoded may not be fewer. */
  readonly sampleCount?: number;
  /** Decodes in small steps, so that whoever reads can stop. @throws `INVALID_INPUT` */
  blocks(): AsyncIterable<Block> | Iterable<Block>;
}

/** @throws `INVALID_INPUT` */
export const refuseAudio = (format: AudioFormat, problem: string, cause?: unknown): never => {
  throw new ServingError('INVALID_INPUT', `the recording (${format}) ${problem}`, { cause });
};

/** What a decoder answers; it goes on after an error, with a gap. */
interface Decoded {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

/** Damaged frames that are forgiven, as players forgive them. The decoders write each to the log, which must not be flooded. */
const MAX_ERRORS = 8;

/**
 * Counts what a decoder reports, and refuses what it should not have decoded.
 * @returns a check of everything decoded, which answers with the block in it
 */
export const createDecodedCheck = ({
  format,
  sampleRate,
  channels,
}: Pick<AudioFile, 'format' | 'sampleRate' | 'channels'>): ((decoded: Decoded) => Block) => {
  let errors = 0;
  return ({ channelData, samplesDecoded, sampleRate: decodedRate, errors: [...newErrors] }) => {
    errors += newErrors.length;
    if (errors > MAX_ERRORS) return refuseAudio(format, `is damaged: ${newErrors[0]?.message}`);
    if (samplesDecoded === 0) return [];
    if (decodedRate !== sampleRate || channelData.length < channels)
      return refuseAudio(
        format,
        `changes within: its header has ${channels} channels at ${sampleRate} Hz, what follows ${channelData.length} at ${decodedRate} Hz; save it anew`,
      );
    return channelData;
  };
};

/** Calls a decoder. @throws `INVALID_INPUT` for whatever it throws */
export const attempt = async <T>(format: AudioFormat, decode: () => T | Promise<T>): Promise<T> => {
  try {
    return await decode();
  } catch (error) {
    return refuseAudio(format, `cannot be decoded: ${error instanceof Error ? error.message : String(error)}`, error);
  }
};
