import { sinc } from '../sinc.ts';

/*
 * Defaults of `torchaudio.functional.resample`, which the pipelines of transformers use: half the width of the kernel in periods of
 * the lower rate, and the upper end of the pass band as a share of half the lower rate.
 */
const LOWPASS_WIDTH = 6;
const ROLLOFF = 0.99;

/** The weights of the input samples around one output sample. */
interface Phase {
  /** Position of the first of these input samples, relative to the last input sample that is not after the output sample. */
  readonly first: number;
  readonly weights: Float32Array;
}

/** A sinc under a Hann window (`sinc_interp_hann`) for an output sample that comes `offset` input samples after an input sample. */
const toPhase = (offset: number, cutoff: number): Phase => {
  const reach = LOWPASS_WIDTH / cutoff;
  const first = Math.ceil(offset - reach);
  const weights = new Float32Array(Math.floor(offset + reach) - first + 1);
  for (let i = 0; i < weights.length; i += 1) {
    const t = (first + i - offset) * cutoff;
    weights[i] = cutoff * sinc(t) * Math.cos((Math.PI * t) / LOWPASS_WIDTH / 2) ** 2;
  }
  return { first, weights };
};

/** Converts the sample rate of audio block by block. */
export interface Resampler {
  /** Takes the next samples. @returns the output samples that they complete */
  push(samples: Float32Array): Float32Array;
  /** Ends the audio with silence. @returns the last output samples; in all there are `ceil(samples * toRate / fromRate)` */
  finish(): Float32Array;
}

const UNCHANGED: Resampler = { push: (samples) => samples, finish: () => new Float32Array() };

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Creates a polyphase resampler: its memory is one block and the kernel. Rates are whole numbers of hertz. */
export const createResampler = (fromRate: number, toRate: number): Resampler => {
  if (fromRate === toRate) return UNCHANGED;
  const divisor = greatestCommonDivisor(fromRate, toRate);
  const [from, to] = [fromRate / divisor, toRate / divisor];
  const cutoff = (ROLLOFF * Math.min(from, to)) / from;
  const reach = Math.ceil(LOWPASS_WIDTH / cutoff) + 1;
  const phases = new Array<Phase | undefined>(to); // each created when first needed: there may be thousands

  let held = new Float32Array(reach); // silence before the first sample
  let heldFrom = -reach;
  let received = 0;
  let produced = 0;

  /** Output samples whose kernel lies within the samples that are held, at most up to `end`. */
  const produce = (end: number): Float32Array => {
    const ready = Math.max(0, Math.min(end, Math.floor(((received - reach) * to) / from)) - produced);
    const output = new Float32Array(ready);
    for (let i = 0; i < ready; i += 1, produced += 1) {
      const exact = (produced * from) / to;
      const base = Math.floor(exact);
      const index = produced % to;
      phases[index] ??= toPhase(exact - base, cutoff);
      const { first, weights } = phases[index];
      const start = base + first - heldFrom;
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap += 1) sum += (weights[tap] ?? 0) * (held[start + tap] ?? 0);
      output[i] = sum;
    }
    return output;
  };

  const hold = (samples: Float32Array): void => {
    const needed = Math.floor((produced * from) / to) - reach;
    const kept = held.subarray(Math.max(0, needed - heldFrom));
    heldFrom += held.length - kept.length;
    held = new Float32Array(kept.length + samples.length);
    held.set(kept);
    held.set(samples, kept.length);
    received += samples.length;
  };

  return {
    push(samples) {
      hold(samples);
      return produce(Number.POSITIVE_INFINITY);
    },
    finish() {
      const end = Math.ceil((received * to) / from);
      hold(new Float32Array(2 * reach));
      return produce(end);
    },
  };
};
