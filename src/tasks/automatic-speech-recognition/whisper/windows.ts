import { roundHalfToEven } from '../../../core/round-half-to-even.ts';
import { SAMPLE_RATE } from '../../../media/audio/log-mel.ts';
import { codeOfToken, languageName } from './languages.ts';
import type { WhisperOptions } from './options.ts';
import type { TranscribedWindow } from './text-chunks.ts';
import type { Vocabulary } from './vocabulary.ts';
import type { WhisperConfig } from './whisper-config.ts';

/** A part of the audio, no longer than the encoder takes, and its tokens so far. */
export interface Window {
  readonly samples: Float32Array;
  readonly options: WhisperOptions;
  /** float32[bins,frames]; undefined before the first step and after the last one. */
  spectrogram: Float32Array | undefined;
  /** Frames that are decoded to `tokens`. */
  decodedFrames: number;
  readonly tokens: number[];
  /** The token of its language; undefined before the first step, and for a model without languages. */
  languageId: number | undefined;
}

const toSamples = (seconds: number): number => roundHalfToEven(seconds * SAMPLE_RATE);

/**
 * Windows that overlap by their strides; the last one ends with the audio.
 * @param samples at 16 kHz within ±1, at least one
 */
export const toWindows = (samples: Float32Array, options: WhisperOptions): Window[] => {
  const length = toSamples(options.chunk.length);
  const step = length - toSamples(options.chunk.strideLeft) - toSamples(options.chunk.strideRight);
  const windows: Window[] = [];
  for (let start = 0; windows.length === 0 || start - step + length < samples.length; start += step)
    windows.push({
      samples: samples.subarray(start, start + length),
      options,
      spectrogram: undefined,
      decodedFrames: 0,
      tokens: [],
      languageId: undefined,
    });
  return windows;
};

/** The tokens of a window, with its place among the `count` windows of its audio. */
export const toTranscribedWindow = (
  { samples, tokens, languageId, options: { chunk } }: Window,
  index: number,
  count: number,
  { tokenizer }: Vocabulary,
  { multilingual }: WhisperConfig,
): TranscribedWindow => {
  const token = languageId === undefined ? undefined : tokenizer.token(languageId);
  const named = token === undefined ? undefined : languageName(codeOfToken(token));
  const language = multilingual ? named : 'english';
  return {
    tokens,
    length: samples.length / SAMPLE_RATE,
    strideLeft: index === 0 ? 0 : toSamples(chunk.strideLeft) / SAMPLE_RATE,
    strideRight: index === count - 1 ? 0 : toSamples(chunk.strideRight) / SAMPLE_RATE,
    ...(language !== undefined && { language }),
  };
};
