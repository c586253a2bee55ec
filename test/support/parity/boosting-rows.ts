import * as ort from 'onnxruntime-node';

/** A case of test/reference/boosting.py. Numbers are base64 of their bytes. */
export interface BoostingCase {
  readonly name: string;
  readonly file: string;
  /** Values that replace those of the rows, as (row, column, value). */
  readonly patches: string;
  readonly outputs?: number;
  readonly expected?: string;
  readonly labels?: readonly string[];
  /** Columns `code` and `count` are categories of pandas. */
  readonly frame?: boolean;
  /** Rows without missing values. */
  readonly clean?: boolean;
}

export const COLUMNS = ['grid', 'even', 'count', 'code', 'epoch', 'zeros', 'tail'];
const COLOURS = ['red', 'green', 'blue', 'cyan', 'green-blue', 'white', 'black', 'pink', 'gold', 'grey'];
export const ROWS = 1000;
const STEP = 32;

/** xorshift32; each draw is a number in [0, 1). */
const createDraws = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

/** The rows of `make_rows(2, 1000, True)` in test/reference/boosting.py. */
const makeRows = (): number[][] => {
  const draw = createDraws(2);
  return Array.from({ length: ROWS }, () => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = COLUMNS.map(draw);
    const row = [
      Math.floor((a - 0.5) * 8 * STEP) / STEP,
      b * 10 - 5,
      Math.floor(c * 10),
      Math.floor(d * 26) / 2 - 1,
      1.7e9 + e * 1e8,
      f < 0.5 ? 0 : Math.floor((f - 0.75) * 8 * STEP) / STEP,
      1 / (g + 0.001),
    ];
    return row.map((value) => (draw() < 0.08 ? Number.NaN : value));
  });
};

export const bytesOfText = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text, 'base64')).buffer;

const rowsOf = ({ patches, clean }: BoostingCase): number[][] => {
  const rows = makeRows();
  const changes = new Float64Array(bytesOfText(patches));
  for (let at = 0; at < changes.length; at += 3) {
    const [row = 0, column = 0, value = 0] = changes.subarray(at, at + 3);
    const target = rows[row];
    if (target !== undefined) target[column] = value;
  }
  return clean ? rows.map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value))) : rows;
};

const textOfCode = (code: number): string => {
  if (Number.isNaN(code)) return '';
  return COLOURS[code] ?? 'none';
};

const columnOf = (rows: readonly number[][], column: number): number[] => rows.map((row) => row[column] ?? Number.NaN);

/** The inputs of a graph: all columns at once, or one input for each. */
export const feedsOf = (one: BoostingCase): Record<string, ort.Tensor> => {
  const rows = rowsOf(one);
  if (!one.frame) return { X: new ort.Tensor('float64', rows.flat(), [rows.length, COLUMNS.length]) };
  const shape = [rows.length, 1];
  return Object.fromEntries(
    COLUMNS.map((name, column) => {
      const values = columnOf(rows, column);
      if (name === 'code') return [name, new ort.Tensor('string', values.map(textOfCode), shape)];
      return [name, new ort.Tensor('float64', name === 'count' ? values.map((each) => each * 10) : values, shape)];
    }),
  );
};
