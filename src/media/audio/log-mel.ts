import { element } from '../../core/element.ts';
import { createPowerSpectrum } from './power-spectrum.ts';

/** Constants of all Whisper models: 100 frames a second, each of 25 ms. */
export const SAMPLE_RATE = 16_000;
const FRAME_LENGTH = 400;
const HOP_LENGTH = 160;
const MAX_FREQUENCY = 8_000;

/** Slaney's mel scale: linear up to 1 kHz, logarithmic above. */
const MEL_OF_1_KHZ = 15;
const LOG_STEP = Math.log(6.4) / 27;
const toMel = (hertz: number): number =>
  hertz < 1_000 ? (3 * hertz) / 200 : MEL_OF_1_KHZ + Math.log(hertz / 1_000) / LOG_STEP;
const toHertz = (mel: number): number =>
  mel < MEL_OF_1_KHZ ? (200 * mel) / 3 : 1_000 * Math.exp(LOG_STEP * (mel - MEL_OF_1_KHZ));

/** A triangle over the spectrum: weights of its bins from `first` on. All other weights are zero. */
interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Triangles of equal area, evenly spaced in mel (`mel_filter_bank` with `norm="slaney", mel_scale="slaney"`). */
const melFilters = (count: number): MelFilter[] => {
  const top = toMel(MAX_FREQUENCY);
  const corner = (index: number): number => toHertz((top * index) / (count + 1));
  const binWidth = SAMPLE_RATE / FRAME_LENGTH;
  return Array.from({ length: count }, (_, index) => {
    const [left, peak, right] = [corner(index), corner(index + 1), corner(index + 2)];
    const first = Math.floor(left / binWidth) + 1;
    const last = Math.min(Math.ceil(right / binWidth) - 1, FRAME_LENGTH / 2);
    const weights = Float64Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => {
      const frequency = (first + offset) * binWidth;
      const height = Math.min((frequency - left) / (peak - left), (right - frequency) / (right - peak));
      return Math.fround((height * 2) / (right - left)); // float32 in the reference
    });
    return { first, weights };
  });
};

const hann = (length: number): Float64Array =>
  Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length));

/** Pads `samples` with silence up to `length`, and with half a frame of the mirror image on either side. */
const pad = (samples: Float32Array, length: number): Float32Array => {
  const margin = FRAME_LENGTH / 2;
  const padded = new Float32Array(length + FRAME_LENGTH);
  padded.set(samples, margin);
  for (let n = 1; n <= margin; n += 1) {
    padded[margin - n] = padded[margin + n] ?? 0;
    padded[margin + length - 1 + n] = padded[margin + length - 1 - n] ?? 0;
  }
  return padded;
};

/** Smaller energies count as silence. */
const SILENT_ENERGY = 1e-10;
const SILENCE = Math.log10(SILENT_ENERGY);
/** Distance of the lowest level from the loudest, in powers of ten. */
const RANGE = 8;

/**
 * Creates a function from samples at `SAMPLE_RATE`, within ±1, to the spectrogram float32[bins,frames] that Whisper's encoder takes.
 * Shorter audio is padded with silence, longer audio is cut. The reference is `WhisperFeatureExtractor` of transformers 4.57.
 *
 * @param bins 80, or 128 for large-v3
 * @param frames 3,000 for the 30 s of every official model
 */
export const createLogMel = (bins: number, frames: number): ((samples: Float32Array) => Float32Array) => {
  const filters = melFilters(bins);
  const powerSpectrum = createPowerSpectrum(hann(FRAME_LENGTH));
  const length = frames * HOP_LENGTH;

  return (samples) => {
    const audio = samples.subarray(0, length);
    const padded = pad(audio, length);
    const audibleFrames = Math.min(frames, Math.ceil((audio.length + FRAME_LENGTH / 2) / HOP_LENGTH));
    const mel = new Float32Array(bins * frames).fill(SILENCE);
    let loudest = SILENCE;
    for (let frame = 0; frame < audibleFrames; frame += 1) {
      const power = powerSpectrum(padded, frame * HOP_LENGTH);
      for (let bin = 0; bin < bins; bin += 1) {
        const { first, weights } = element(filters, bin);
        let energy = 0;
        for (let n = 0; n < weights.length; n += 1) energy += (weights[n] ?? 0) * (power[first + n] ?? 0);
        const level = energy > SILENT_ENERGY ? Math.log10(energy) : SILENCE;
        mel[bin * frames + frame] = level;
        if (level > loudest) loudest = level;
      }
    }
    const quietest = loudest - RANGE;
    for (let n = 0; n < mel.length; n += 1) mel[n] = (Math.max(mel[n] ?? 0, quietest) + 4) / 4;
    return mel;
  };
};
