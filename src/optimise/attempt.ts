import type { Answer } from '../core/answer.ts';
import type { Interval } from '../metrics/interval.ts';
import type { Loss } from './loss.ts';
import type { MethodName } from './methods.ts';

/** Figures of a version that was measured. */
export interface Figures {
  /** Milliseconds of CPU for the graphs of a sample: the median. */
  readonly cpuMs: number;
  /** Bytes of its graphs. */
  readonly bytes: number;
  /** Peak memory of a process that loads it and answers the samples. */
  readonly peakBytes: number;
  /** Milliseconds for the creation of its sessions. */
  readonly createMs: number;
}

export type Outcome = 'passes' | 'loses too much' | 'gains too little' | 'fails';

/** A candidate that was tried. */
export interface Attempt {
  readonly method: MethodName;
  /** Layers that were kept in float32, the worst first. */
  readonly kept: readonly string[];
  readonly outcome: Outcome;
  /** The reason in words, for people. */
  readonly reason: string;
  readonly loss?: Loss;
  readonly figures?: Figures;
  /** The original's milliseconds of CPU, by turns with the candidate's. */
  readonly originalCpuMs?: number;
}

/** The limits of the gate. */
export interface GateLimits {
  /** Most that the upper end of the loss's interval may be. */
  readonly maxLoss: number;
}

/** Least part of time or bytes that a candidate has to save. */
const LEAST_GAIN = 0.1;

export type Answers = readonly (Answer | string)[];

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** Judges the loss. Returns the reason of a refusal. */
export const judgeLoss = ({ high, value, metric, samples }: Loss, { maxLoss }: GateLimits): string | undefined => {
  if (high <= maxLoss) return undefined;
  const wide = value <= maxLoss ? `; the interval of ${samples} samples is that wide: give more samples` : '';
  return `its loss of ${metric} is ${percent(value)}, up to ${percent(high)}, and at most ${percent(maxLoss)} may be lost${wide}`;
};

/**
 * Judges the gain. A candidate that saves bytes may not be slower by as much, beyond what the measurement varies by.
 * Returns the reason of a refusal.
 * @param ratio the interval of its time as a part of the original's
 */
export const judgeGain = (
  { cpuMs, bytes }: Figures,
  original: Pick<Figures, 'cpuMs' | 'bytes'>,
  ratio: Interval,
): string | undefined => {
  const [time, size] = [cpuMs / original.cpuMs, bytes / original.bytes];
  if (time <= 1 - LEAST_GAIN) return undefined;
  if (size <= 1 - LEAST_GAIN && ratio.low < 1 + LEAST_GAIN) return undefined;
  return `it takes ${percent(time)} of the time and ${percent(size)} of the bytes, and has to save ${percent(LEAST_GAIN)}`;
};

/** Times that lie within this part of each other count as equal. */
const EQUAL_TIME = 0.05;

/** The best of the attempts that pass: the fastest, and of those that are as fast the smallest. */
export const bestOf = (attempts: readonly Attempt[]): Attempt | undefined => {
  const passed = attempts.filter(({ outcome }) => outcome === 'passes');
  const timeOf = ({ figures, originalCpuMs = 1 }: Attempt): number => (figures?.cpuMs ?? 0) / originalCpuMs;
  const fastest = Math.min(...passed.map(timeOf));
  return passed
    .filter((attempt) => timeOf(attempt) <= fastest * (1 + EQUAL_TIME))
    .sort((a, b) => (a.figures?.bytes ?? 0) - (b.figures?.bytes ?? 0))[0];
};
