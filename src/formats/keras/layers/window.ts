import { show } from '../../../core/show.ts';
import { longs, type Value } from '../../../onnx/graph-builder.ts';
import { type Attributes, integers, text } from '../../../onnx/node.ts';
import { formatShape, type KerasTensor, type Shape } from '../keras-tensor.ts';
import type { Layer } from '../layer.ts';

/** Sizes of a window that moves over the axes of space. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: string;
}

const isChannelsFirst = (layer: Layer): boolean => layer.find('data_format') === 'channels_first';

/** The order of axes with the channels second, and the way back. */
const toFirst = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)];
const toLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];

/** Turns the axes into another order. @throws `MODEL_INVALID` when `order` does not name each axis once */
export const transpose = (layer: Layer, input: KerasTensor, order: readonly number[]): KerasTensor => {
  const { value, shape, dtype } = input;
  if (order.length !== shape.length || shape.some((_, axis) => !order.includes(axis)))
    layer.refuse(`it turns the axes of ${formatShape(shape)} into the order ${show(order)}`);
  return {
    value: layer.graph.op('Transpose', [value], { perm: integers(order) }),
    shape: order.map((axis) => shape[axis] ?? null),
    dtype,
  };
};

/**
 * Computes on a tensor whose channels are its second axis, as ONNX has them, and turns the result back. onnxruntime cancels the turns between
 * two layers.
 */
export const withChannelsFirst = (
  layer: Layer,
  input: KerasTensor,
  rank: number,
  compute: (input: KerasTensor) => KerasTensor,
): KerasTensor => {
  if (input.shape.length !== rank) layer.refuse(`its input has ${input.shape.length} axes, expected ${rank}`);
  if (isChannelsFirst(layer)) return compute(input);
  return transpose(layer, compute(transpose(layer, input, toFirst(rank))), toLast(rank));
};

/** The axes of space of an input of `rank` axes. */
export const spaceOf = (layer: Layer, rank: number): number[] =>
  Array.from({ length: rank - 2 }, (_, axis) => axis + (isChannelsFirst(layer) ? 2 : 1));

export const channelAxis = (layer: Layer, rank: number): number => (isChannelsFirst(layer) ? 1 : rank - 1);

const extentOf = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** The size of an axis after the window has moved over it. */
export const slide = (
  size: number | null,
  axis: number,
  { kernel, strides, dilations, padding }: Window,
): number | null => {
  if (size === null) return null;
  const stride = strides[axis] ?? 1;
  const covered = padding === 'valid' ? size - extentOf(kernel[axis] ?? 1, dilations[axis] ?? 1) + 1 : size;
  return Math.max(0, Math.ceil(covered / stride));
};

/** Attributes of a window. onnxruntime refuses automatic padding with dilation, which Keras allows for a stride of 1 only. */
export const windowAttributes = ({ kernel, strides, dilations, padding }: Window): Attributes => {
  const room = kernel.map((size, axis) => extentOf(size, dilations[axis] ?? 1) - 1);
  const sides = (before: readonly number[]) =>
    integers([...before, ...room.map((all, axis) => all - (before[axis] ?? 0))]);
  const isDilated = dilations.some((dilation) => dilation > 1);
  return {
    kernel_shape: integers(kernel),
    strides: integers(strides),
    ...(isDilated && { dilations: integers(dilations) }),
    ...(padding === 'causal' && { pads: sides(room) }),
    ...(padding === 'same' && isDilated && { pads: sides(room.map((all) => Math.floor(all / 2))) }),
    ...(padding === 'same' && !isDilated && { auto_pad: text('SAME_UPPER') }),
  };
};

/** [N,C,…] with other channels and sizes of space. */
export const withSpace = (
  shape: Shape,
  channels: number | null,
  change: (size: number | null, axis: number) => number | null,
) => [shape[0] ?? null, channels, ...shape.slice(2).map(change)];

/** Reshapes to fixed sizes; 0 keeps that of the input, -1 is what is left. */
export const reshape = (layer: Layer, value: Value, sizes: readonly number[]): Value =>
  layer.graph.op('Reshape', [value, layer.graph.constant(longs(sizes))]);
