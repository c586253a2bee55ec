import { sinc } from '../sinc.ts';
import type { Rectangle } from './geometry.ts';
import type { Resample } from './preprocessing.ts';
import type { Size } from './processors.ts';

/** RGB pixels; `data` is uint8[height,width,3]. */
export interface Pixels extends Size {
  readonly data: Uint8Array | Uint8ClampedArray;
}

interface Filter {
  /** Half the width of the filter at scale 1. */
  readonly support: number;
  readonly weight: (distance: number) => number;
  /** Tells whether the filter widens when an image shrinks, so that every pixel counts. */
  readonly widens: boolean;
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

const FILTERS: Record<Exclude<Resample, 'nearest'>, Filter> = {
  bilinear: { support: 1, weight: triangle, widens: true },
  linear: { support: 1, weight: triangle, widens: false },
  /** Keys' cubic with a = -0.5. */
  bicubic: {
    support: 2,
    widens: true,
    weight(x) {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0), widens: true },
};

/** Fractional bits of weights, which are fixed-point numbers. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** The taps of each output position: their first input position, their number and their weights. */
interface Taps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  /** Distance between the weights of neighbouring positions. */
  readonly stride: number;
}

const toTaps = (inputLength: number, outputLength: number, from: number, length: number, filter: Filter): Taps => {
  const scale = inputLength / outputLength;
  const stretch = filter.widens ? Math.max(scale, 1) : 1;
  const support = filter.support * stretch;
  const stride = 2 * Math.ceil(support) + 1;
  const taps = {
    starts: new Int32Array(length),
    counts: new Int32Array(length),
    weights: new Int32Array(length * stride),
    stride,
  };
  for (let i = 0; i < length; i += 1) {
    const center = (from + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inputLength, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: end - start }, (_, k) => filter.weight((start + k - center + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    taps.starts[i] = start;
    taps.counts[i] = weights.length;
    weights.forEach((weight, k) => {
      const fixed = (weight / sum) * (1 << PRECISION_BITS);
      taps.weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return taps;
};

/** Filters `rows` rows of `pixels` from `firstRow` on horizontally. */
const filterAcross = ({ data, width }: Pixels, firstRow: number, rows: number, taps: Taps): Uint8ClampedArray => {
  const { starts, counts, weights, stride } = taps;
  const columns = starts.length;
  const output = new Uint8ClampedArray(rows * columns * 3);
  let at = 0;
  for (let y = 0; y < rows; y += 1) {
    const row = (firstRow + y) * width * 3;
    for (let x = 0; x < columns; x += 1) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = row + (starts[x] ?? 0) * 3;
      const end = x * stride + (counts[x] ?? 0);
      for (let k = x * stride; k < end; k += 1) {
        const weight = weights[k] ?? 0;
        red = (red + Math.imul(data[from] ?? 0, weight)) | 0;
        green = (green + Math.imul(data[from + 1] ?? 0, weight)) | 0;
        blue = (blue + Math.imul(data[from + 2] ?? 0, weight)) | 0;
        from += 3;
      }
      output[at] = red >> PRECISION_BITS;
      output[at + 1] = green >> PRECISION_BITS;
      output[at + 2] = blue >> PRECISION_BITS;
      at += 3;
    }
  }
  return output;
};

/** Filters rows of `rowLength` bytes vertically; `data` begins with input row `firstRow`. */
const filterDown = (data: Uint8ClampedArray, rowLength: number, firstRow: number, taps: Taps): Uint8ClampedArray => {
  const { starts, counts, weights, stride } = taps;
  const rows = starts.length;
  const output = new Uint8ClampedArray(rows * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < rows; y += 1) {
    sums.fill(HALF);
    let from = ((starts[y] ?? 0) - firstRow) * rowLength;
    const end = y * stride + (counts[y] ?? 0);
    for (let k = y * stride; k < end; k += 1) {
      const weight = weights[k] ?? 0;
      for (let i = 0; i < rowLength; i += 1) sums[i] = ((sums[i] ?? 0) + Math.imul(data[from + i] ?? 0, weight)) | 0;
      from += rowLength;
    }
    for (let i = 0; i < rowLength; i += 1) output[y * rowLength + i] = (sums[i] ?? 0) >> PRECISION_BITS;
  }
  return output;
};

/** The input position of each output position, by adding up the scale as Pillow does, for equal rounding. */
const nearestPositions = (inputLength: number, outputLength: number, from: number, length: number): Int32Array => {
  const scale = inputLength / outputLength;
  const positions = new Int32Array(length);
  let position = scale / 2;
  for (let i = 0; i < from + length; i += 1) {
    if (i >= from) positions[i - from] = Math.min(inputLength - 1, Math.trunc(position));
    position += scale;
  }
  return positions;
};

const pick = ({ data, width }: Pixels, columns: Int32Array, rows: Int32Array): Uint8ClampedArray => {
  const output = new Uint8ClampedArray(rows.length * columns.length * 3);
  let at = 0;
  for (const row of rows)
    for (const column of columns) {
      const from = (row * width + column) * 3;
      output[at] = data[from] ?? 0;
      output[at + 1] = data[from + 1] ?? 0;
      output[at + 2] = data[from + 2] ?? 0;
      at += 3;
    }
  return output;
};

/**
 * Resizes `pixels` to `size`, and returns the part `crop` of the result. Levels equal those of Pillow's `Image.resize`
 * (src/libImaging/Resample.c; Geometry.c for nearest); those of `linear` differ from OpenCV's `INTER_LINEAR` by at most 1.
 */
export const resample = (pixels: Pixels, size: Size, crop: Rectangle, method: Resample): Pixels => {
  const { left, top, width, height } = crop;
  const across = [pixels.width, size.width, left, width] as const;
  const down = [pixels.height, size.height, top, height] as const;
  if (method === 'nearest')
    return { width, height, data: pick(pixels, nearestPositions(...across), nearestPositions(...down)) };
  const filter = FILTERS[method];
  const rowTaps = toTaps(...down, filter);
  const firstRow = rowTaps.starts[0] ?? 0;
  const endRow = (rowTaps.starts[height - 1] ?? 0) + (rowTaps.counts[height - 1] ?? 0);
  const rows = filterAcross(pixels, firstRow, endRow - firstRow, toTaps(...across, filter));
  return { width, height, data: filterDown(rows, width * 3, firstRow, rowTaps) };
};
