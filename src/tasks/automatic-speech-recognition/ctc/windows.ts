import { ServingError } from '../../../core/errors.ts';
import { roundHalfToEven } from '../../../core/round-half-to-even.ts';
import { show } from '../../../core/show.ts';
import type { Parameters } from '../../parameters.ts';

/** The division of long audio into windows. `strideSeconds` at each side of a window are run and not read. */
export interface Windowing {
  readonly lengthSeconds: number;
  readonly strideSeconds: readonly [left: number, right: number];
}

/** Attention takes memory by the square of the length. These models are trained on half a minute at most. */
export const MAX_WINDOW_SECONDS = 30;
const MIN_WINDOW_SECONDS = 1;

/** The least share of a window that no neighbour reads, so that audio is run ten times at most. */
const MIN_STEP = 0.1;

const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && Number.isFinite(value);

const readStride = (value: unknown, fallback: number): readonly [number, number] => {
  if (value === undefined || value === null) return [fallback, fallback];
  const [left, right]: unknown[] = Array.isArray(value) && value.length === 2 ? value : [value, value];
  if (!isSeconds(left) || !isSeconds(right))
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "stride_length_s" is ${show(value)}, expected seconds, or [left, right] in seconds`,
    );
  return [left, right];
};

/**
 * The parameters `chunk_length_s` and `stride_length_s`; undefined when the caller leaves them out, or sends 0.
 * @throws `INVALID_REQUEST`
 */
export const readWindowing = ({
  chunk_length_s: length,
  stride_length_s: stride,
}: Parameters): Windowing | undefined => {
  if (length === undefined || length === null || length === 0) {
    if (stride === undefined || stride === null) return undefined;
    throw new ServingError('INVALID_REQUEST', 'parameter "stride_length_s" needs "chunk_length_s"');
  }
  if (!isSeconds(length) || length < MIN_WINDOW_SECONDS || length > MAX_WINDOW_SECONDS)
    throw new ServingError(
      'INVALID_REQUEST',
      `parameter "chunk_length_s" is ${show(length)}, expected ${MIN_WINDOW_SECONDS} to ${MAX_WINDOW_SECONDS} seconds`,
    );
  const [left, right] = readStride(stride, length / 6);
  if (length - left - right < length * MIN_STEP)
    throw new ServingError(
      'INVALID_REQUEST',
      `"stride_length_s" of ${left} and ${right} leaves too little of "chunk_length_s" ${length}: at least a tenth has to be new`,
    );
  return { lengthSeconds: length, strideSeconds: [left, right] };
};

/** The division of audio that is too long to run whole. */
export const DEFAULT_WINDOWING: Windowing = {
  lengthSeconds: MAX_WINDOW_SECONDS,
  strideSeconds: [MAX_WINDOW_SECONDS / 6, MAX_WINDOW_SECONDS / 6],
};

/** A part of the audio, in samples. */
export interface Window {
  readonly start: number;
  readonly end: number;
  /** Samples at each side that are run and not read. */
  readonly strideLeft: number;
  readonly strideRight: number;
}

/** The windows of audio, like `chunk_iter` of the transformers pipeline. `alignTo` is the number of samples behind one output of the model. */
export const toWindows = (length: number, windowing: Windowing, sampleRate: number, alignTo: number): Window[] => {
  const toSamples = (seconds: number): number => roundHalfToEven((seconds * sampleRate) / alignTo) * alignTo;
  const size = toSamples(windowing.lengthSeconds);
  const [leftSeconds, rightSeconds] = windowing.strideSeconds;
  const left = toSamples(leftSeconds);
  const right = toSamples(rightSeconds);
  const step = Math.max(alignTo, size - left - right);
  const windows: Window[] = [];
  for (let start = 0; start < length; start += step) {
    const end = Math.min(length, start + size);
    const isLast = start + size >= length;
    const strideLeft = start === 0 ? 0 : left;
    if (end - start > strideLeft) windows.push({ start, end, strideLeft, strideRight: isLast ? 0 : right });
    if (isLast) break;
  }
  return windows;
};

/** The range `[from, to)` of a window's outputs that are read: `rescale_stride` of the pipeline. */
export const toReadOutputs = (
  { start, end, strideLeft, strideRight }: Window,
  samplesPerOutput: number,
): readonly [number, number] => {
  const samples = end - start;
  const outputs = roundHalfToEven(samples / samplesPerOutput);
  const left = roundHalfToEven((strideLeft / samples) * outputs);
  const right = roundHalfToEven((strideRight / samples) * outputs);
  return [left, outputs - right];
};
