import type { DType } from '../../core/tensor.ts';
import type { Value } from '../../onnx/graph-builder.ts';

/** Sizes of an array of weights, or of one image. */
export type Sizes = readonly number[];

/** The shape of a tensor of a model, batch first. Null is a size that the model leaves open. */
export type Shape = readonly (number | null)[];

/** A tensor that passes from layer to layer. */
export interface KerasTensor {
  readonly value: Value;
  readonly shape: Shape;
  readonly dtype: DType;
  /** bool[N,T]: the steps that count, for layers that support masks. */
  readonly mask?: Value;
}

/** Array of weights as the file has it, rounded to float32 where it was wider. */
export interface WeightArray {
  readonly shape: Sizes;
  readonly data: Float32Array;
}

/** `[N,32,32,3]`, for people. */
export const formatShape = (shape: Shape): string => `[${shape.map((size) => size ?? 'N').join(',')}]`;

/** The shape as the file of a graph declares it: an open size has the name of its axis. */
export const toDimensions = (shape: Shape): (number | string)[] =>
  shape.map((size, axis) => size ?? (axis === 0 ? 'N' : ''));

/** Counts a negative axis from the end. */
export const toAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The product of sizes; null when one is open. */
export const productOf = (sizes: Shape): number | null =>
  sizes.reduce<number | null>((product, size) => (product === null || size === null ? null : product * size), 1);
