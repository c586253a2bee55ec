import type { Rectangle } from './geometry.ts';
import type { Resample } from './preprocessing.ts';
import type { Size } from './processors.ts';

/** uint8[height,width,3], RGB. */
export interface Pixels extends Size {
  readonly data: Uint8Array | Uint8ClampedArray;
}

interface Filter {
  /** Half the filter's width at scale 1. */
  readonly support: number;
  readonly weight: (distance: number) => number;
  /** Whether it widens when pixels are passed over, so that each counts. */
  readonly widens: boolean;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

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

/** Weights are fixed-point numbers with this many fractional bits. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** For each output position: where its taps start in the input, how many there are, and their weights. */
interface Taps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  /** Weights per position. */
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

/** Rows `firstRow` to `firstRow + rows` of `pixels`, filtered across. The loops are plain because they are hot. */
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
      let from = row + (starts[x] as number) * 3;
      const end = x * stride + (counts[x] as number);
      for (let k = x * stride; k < end; k += 1) {
        const weight = weights[k] as number;
        red = (red + Math.imul(data[from] as number, weight)) | 0;
        green = (green + Math.imul(data[from + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(data[from + 2] as number, weight)) | 0;
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

/** `data` has rows of `rowLength` bytes, the first of which is input row `firstRow`. */
const filterDown = (data: Uint8ClampedArray, rowLength: number, firstRow: number, taps: Taps): Uint8ClampedArray => {
  const { starts, counts, weights, stride } = taps;
  const rows = starts.length;
  const output = new Uint8ClampedArray(rows * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < rows; y += 1) {
    sums.fill(HALF);
    let from = ((starts[y] as number) - firstRow) * rowLength;
    const end = y * stride + (counts[y] as number);
    for (let k = y * stride; k < end; k += 1) {
      const weight = weights[k] as number;
      for (let i = 0; i < rowLength; i += 1)
        sums[i] = ((sums[i] as number) + Math.imul(data[from + i] as number, weight)) | 0;
      from += rowLength;
    }
    for (let i = 0; i < rowLength; i += 1) output[y * rowLength + i] = (sums[i] as number) >> PRECISION_BITS;
  }
  return output;
};

/** Input position of each output position; adds up the scale as Pillow does, so that it rounds alike. */
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
      output[at] = data[from] as number;
      output[at + 1] = data[from + 1] as number;
      output[at + 2] = data[from + 2] as number;
      at += 3;
    }
  return output;
};

/**
 * The part `window` of `pixels` resized to `size`, bit for bit as Pillow's `Image.resize` makes it
 * (src/libImaging/Resample.c; Geometry.c for nearest); `linear` as OpenCV's `INTER_LINEAR`, to a level.
 */
export const resample = (pixels: Pixels, size: Size, window: Rectangle, method: Resample): Pixels => {
  const { left, top, width, height } = window;
  const across = [pixels.width, size.width, left, width] as const;
  const down = [pixels.height, size.height, top, height] as const;
  if (method === 'nearest')
    return { width, height, data: pick(pixels, nearestPositions(...across), nearestPositions(...down)) };
  const filter = FILTERS[method];
  const rowTaps = toTaps(...down, filter);
  const firstRow = rowTaps.starts[0] as number;
  const endRow = (rowTaps.starts[height - 1] as number) + (rowTaps.counts[height - 1] as number);
  const rows = filterAcross(pixels, firstRow, endRow - firstRow, toTaps(...across, filter));
  return { width, height, data: filterDown(rows, width * 3, firstRow, rowTaps) };
};
