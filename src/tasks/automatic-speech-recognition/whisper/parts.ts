import { roundHalfToEven } from '../../../core/round-half-to-even.ts';
import { SAMPLE_RATE } from '../../../media/audio/log-mel.ts';
import { codeOfToken, languageName } from './languages.ts';
import type { WhisperOptions } from './options.ts';
import type { HeardPart } from './transcript.ts';
import type { Vocabulary } from './vocabulary.ts';
import type { WhisperConfig } from './whisper-config.ts';

/** A part of a recording, no longer than the model hears at once, and what was heard of it so far. */
export interface Part {
  readonly samples: Float32Array;
  readonly options: WhisperOptions;
  /** float32[bins, frames]; there while it is listened to. */
  spectrogram: Float32Array | undefined;
  /** Frames that `tokens` speak for. */
  heardFrames: number;
  readonly tokens: number[];
  /** The token of the language that it was taken for. */
  languageId: number | undefined;
}

const toSamples = (seconds: number): number => roundHalfToEven(seconds * SAMPLE_RATE);

/**
 * Parts that overlap by their strides; the last one ends with the recording.
 * @param samples at 16 kHz within ±1, at least one
 */
export const toParts = (samples: Float32Array, options: WhisperOptions): Part[] => {
  const length = toSamples(options.chunk.length);
  const step = length - toSamples(options.chunk.strideLeft) - toSamples(options.chunk.strideRight);
  const parts: Part[] = [];
  for (let start = 0; parts.length === 0 || start - step + length < samples.length; start += step)
    parts.push({
      samples: samples.subarray(start, start + length),
      options,
      spectrogram: undefined,
      heardFrames: 0,
      tokens: [],
      languageId: undefined,
    });
  return parts;
};

/** What was heard of a part, and where it lies among the others. */
export const toHeardPart = (
  { samples, tokens, languageId, options: { chunk } }: Part,
  index: number,
  count: number,
  { tokenizer }: Vocabulary,
  { multilingual }: WhisperConfig,
): HeardPart => {
  const token = languageId === undefined ? undefined : tokenizer.token(languageId);
  const language = token === undefined ? undefined : languageName(codeOfToken(token));
  const spoken = multilingual ? language : 'english';
  return {
    tokens,
    length: samples.length / SAMPLE_RATE,
    strideLeft: index === 0 ? 0 : toSamples(chunk.strideLeft) / SAMPLE_RATE,
    strideRight: index === count - 1 ? 0 : toSamples(chunk.strideRight) / SAMPLE_RATE,
    ...(spoken !== undefined && { language: spoken }),
  };
};
