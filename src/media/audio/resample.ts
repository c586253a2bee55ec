/**
 * Half the kernel's width in periods of the lower rate, and the pass band's share of what the lower rate can carry: the defaults
 * of `torchaudio.functional.resample`, with which the transformers pipeline resamples.
 */
const LOWPASS_WIDTH = 6;
const ROLLOFF = 0.99;

/** The weights of the input samples around one output sample. */
interface Phase {
  /** The first of them, counted from the input sample at or before the output sample. */
  readonly first: number;
  readonly weights: Float32Array;
}

/** A sinc under a Hann window (`sinc_interp_hann`), for an output sample `offset` input samples after an input sample. */
const toPhase = (offset: number, cutoff: number): Phase => {
  const reach = LOWPASS_WIDTH / cutoff;
  const first = Math.ceil(offset - reach);
  const weights = new Float32Array(Math.floor(offset + reach) - first + 1);
  for (let i = 0; i < weights.length; i += 1) {
    const t = (first + i - offset) * cutoff;
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
    weights[i] = cutoff * sinc * Math.cos((Math.PI * t) / LOWPASS_WIDTH / 2) ** 2;
  }
  return { first, weights };
};

/** Converts a recording block by block. */
export interface Resampler {
  /** The next samples → the output samples that they complete. */
  push(samples: Float32Array): Float32Array;
  /** The last output samples, as if silence followed; in all there are `ceil(samples * toRate / fromRate)`. */
  finish(): Float32Array;
}

const UNCHANGED: Resampler = { push: (samples) => samples, finish: () => new Float32Array() };

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Polyphase: time in proportion to the samples, memory to one block and the kernel. Rates are whole numbers of hertz. */
export const createResampler = (fromRate: number, toRate: number): Resampler => {
  if (fromRate === toRate) return UNCHANGED;
  const divisor = greatestCommonDivisor(fromRate, toRate);
  const [from, to] = [fromRate / divisor, toRate / divisor];
  const cutoff = (ROLLOFF * Math.min(from, to)) / from;
  const reach = Math.ceil(LOWPASS_WIDTH / cutoff) + 1;
  const phases = new Array<Phase | undefined>(to); // each made when it first comes up: there may be thousands

  let held = new Float32Array(reach); // silence before the first sample
  let heldFrom = -reach;
  let received = 0;
  let produced = 0;

  /** Output samples up to the one whose kernel reaches beyond what is held, or up to `end`. */
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
      for (let tap = 0; tap < weights.length; tap += 1) sum += (weights[tap] as number) * (held[start + tap] as number);
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
