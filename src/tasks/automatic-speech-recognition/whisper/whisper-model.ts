import { ServingError } from '../../../core/errors.ts';
import type { Signature } from '../../../core/tensor.ts';
import { assertMergedDecoder } from '../../../generation/decoder.ts';
import { createLogMel } from '../../../media/audio/log-mel.ts';
import type { WhisperSettings } from '../settings.ts';
import { parseWhisperConfig, type WhisperConfig } from './whisper-config.ts';

export const FRAMES_PER_SECOND = 100;

/** The settings of one Whisper model, with the spectrogram that its encoder takes: float32[bins,frames]. */
export interface WhisperModel {
  readonly config: WhisperConfig;
  readonly bins: number;
  readonly frames: number;
  readonly toSpectrogram: (samples: Float32Array) => Float32Array;
}

/** Signatures of the graphs of one model. */
export interface WhisperSignatures {
  readonly encoder: Signature;
  readonly decoder: Signature;
}

/** @throws `MODEL_INVALID` for the encoder of another model */
const assertEncoder = ({ inputs, outputs }: Signature, bins: number, frames: number): void => {
  const features = inputs.find(({ name }) => name === 'input_features');
  const states = outputs.find(({ name }) => name === 'last_hidden_state');
  const fits = (size: number | string | undefined, expected: number): boolean =>
    typeof size === 'string' || size === expected;
  const [, graphBins, graphFrames] = features?.shape ?? [];
  if (features?.dtype !== 'float32' || states?.dtype !== 'float32' || features.shape.length !== 3)
    throw new ServingError(
      'MODEL_INVALID',
      'the encoder of Whisper needs an input "input_features" float32[B,bins,frames] and an output ' +
        '"last_hidden_state" float32[B,S,D]; export it in another precision',
    );
  if (!fits(graphBins, bins) || !fits(graphFrames, frames))
    throw new ServingError(
      'MODEL_INVALID',
      `the encoder takes ${graphBins} mel bins of ${graphFrames} frames, preprocessor_config.json says ${bins} ` +
        `("feature_size") of ${frames} (100 for each second of "chunk_length"): they are of different models`,
    );
};

/** @throws `MODEL_INVALID` when settings or graphs are not those of a Whisper model, or contradict each other */
export const createWhisperModel = (
  settings: WhisperSettings,
  { encoder, decoder }: WhisperSignatures,
): WhisperModel => {
  const bins = settings.melBins;
  const frames = settings.seconds * FRAMES_PER_SECOND;
  assertEncoder(encoder, bins, frames);
  assertMergedDecoder(decoder);
  return { config: parseWhisperConfig(settings), bins, frames, toSpectrogram: createLogMel(bins, frames) };
};
