import { ServingError } from '../../core/errors.ts';

export type AudioFormat = 'wav' | 'flac' | 'mp3' | 'ogg-vorbis' | 'ogg-opus';

/** Consecutive samples, one array of equal length for each channel, nominally from -1 to 1. */
export type Block = readonly Float32Array[];

/** Properties of an audio file that its header gives. */
export interface AudioHeader {
  readonly format: AudioFormat;
  /** In hertz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** An audio file whose header has been read. */
export interface AudioStream extends AudioHeader {
  /** Samples of each channel by the header, if it gives them; a file with fewer samples was cut or is damaged. */
  readonly sampleCount?: number;
  /** Decodes in small steps, so that the caller can stop between two of them. @throws `INVALID_INPUT` */
  blocks(): AsyncIterable<Block> | Iterable<Block>;
}

/** @throws `INVALID_INPUT` */
export const refuseAudio = (format: AudioFormat, problem: string, cause?: unknown): never => {
  throw new ServingError('INVALID_INPUT', `the audio file (${format}) ${problem}`, { cause });
};

/** Output of a decoder, which goes on after an error and leaves a gap. */
interface Decoded {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

/** Most damaged frames of an accepted file: players forgive some. */
const MAX_ERRORS = 8;

/**
 * Creates a check of everything that a decoder returns for one file. It counts errors, and compares samples with the header.
 * @returns a function from the output of the decoder to its block of samples
 */
export const createDecodedCheck = ({ format, sampleRate, channels }: AudioHeader): ((decoded: Decoded) => Block) => {
  let errors = 0;
  return ({ channelData, samplesDecoded, sampleRate: decodedRate, errors: [...newErrors] }) => {
    errors += newErrors.length;
    if (errors > MAX_ERRORS) return refuseAudio(format, `is damaged: ${newErrors[0]?.message}`);
    if (samplesDecoded === 0) return [];
    if (decodedRate !== sampleRate || channelData.length < channels)
      return refuseAudio(
        format,
        `changes within: its header has ${channels} channels at ${sampleRate} Hz, the samples ${channelData.length} at ${decodedRate} Hz; save it anew`,
      );
    return channelData;
  };
};

/** The decoders write each damaged frame to the console, past the logger. Their outputs have the same errors. */
const withoutConsole = <T>(decode: () => T): T => {
  const { error } = console;
  console.error = () => {};
  try {
    return decode();
  } finally {
    console.error = error;
  }
};

/** Calls a decoder. @throws `INVALID_INPUT` for any error of the decoder */
export const attempt = async <T>(format: AudioFormat, decode: () => T | Promise<T>): Promise<T> => {
  try {
    return await withoutConsole(decode);
  } catch (error) {
    return refuseAudio(format, `cannot be decoded: ${ServingError.from(error).message}`, error);
  }
};
