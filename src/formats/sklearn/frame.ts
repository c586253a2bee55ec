import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';

/** Rows of which most columns are 0. A row has each column once; shorter rows are padded with column 0 and value 0. */
export interface SparseRows {
  /** int64[N,T]. */
  readonly columns: Value;
  /** float64[N,T]. */
  readonly values: Value;
  /** True where values may be negative. */
  readonly isSigned: boolean;
}

/** Columns of one type that lie side by side in a value [N,width] of the graph. */
export interface Block {
  readonly value: Value;
  readonly width: number;
  readonly dtype: 'float64' | 'string';
  /** The value before NaN was replaced. `None` is no NaN: an encoder that knows it takes it from here. */
  readonly unfilled?: Value;
  /** The terms of a column of texts, string[N,T] padded with "", by the settings of each vectorizer. */
  readonly terms?: ReadonlyMap<string, Value>;
  /** Present where `value` is mostly zeros: the same rows without them. */
  readonly sparse?: SparseRows;
}

/** The columns that an estimator gets, from left to right. */
export type Frame = readonly Block[];

export const widthOf = (frame: Frame): number => frame.reduce((sum, { width }) => sum + width, 0);

export const concatenate = (graph: GraphBuilder, values: readonly Value[]): Value =>
  values.length === 1 ? (values[0] ?? '') : graph.op('Concat', values, { axis: integer(1) });

/** All columns as one value float64[N,F]. @throws `RangeError` when a column holds strings, which callers rule out */
export const toMatrix = (graph: GraphBuilder, frame: Frame): Value => {
  if (frame.length === 0) throw new RangeError('a frame without columns');
  if (frame.some(({ dtype }) => dtype !== 'float64')) throw new RangeError('a column holds strings');
  return concatenate(
    graph,
    frame.map(({ value }) => value),
  );
};

/** A frame of one block float64[N,width]. */
export const toFrame = (value: Value, width: number): Frame => [{ value, width, dtype: 'float64' }];

/** The columns at `indices`, in that order. */
export const selectColumns = (graph: GraphBuilder, frame: Frame, indices: readonly number[]): Frame => {
  const starts = frame.map((_, index) => widthOf(frame.slice(0, index)));
  const placeOf = (index: number) => {
    const at = starts.findLastIndex((start) => start <= index);
    return { at, offset: index - (starts[at] ?? 0) };
  };
  const runs: { at: number; offsets: number[] }[] = [];
  for (const index of indices) {
    const { at, offset } = placeOf(index);
    const last = runs.at(-1);
    if (last?.at === at) last.offsets.push(offset);
    else runs.push({ at, offsets: [offset] });
  }
  return runs.flatMap(({ at, offsets }) => {
    const block = frame[at];
    if (block === undefined) return [];
    const isWhole = offsets.length === block.width && offsets.every((offset, index) => offset === index);
    if (isWhole) return [block];
    const pick = (whole: Value): Value =>
      graph.op('Gather', [whole, graph.constant(longs(offsets))], { axis: integer(1) });
    const { unfilled, sparse: _, ...rest } = block;
    const own = unfilled === undefined ? {} : { unfilled: pick(unfilled) };
    return [{ ...rest, ...own, value: pick(rest.value), width: offsets.length }];
  });
};

/** `value` as float64. */
export const toDouble = (graph: GraphBuilder, value: Value): Value =>
  graph.op('Cast', [value], { to: integer(DATA_TYPES.float64) });

/** A row of numbers that is added to, or multiplied with, each row of a value. */
export const rowOf = (graph: GraphBuilder, values: ArrayLike<number>): Value =>
  graph.constant(doubles([1, values.length], values));
