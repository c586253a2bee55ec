import { singles, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers } from '../../../onnx/node.ts';
import { activate, isAlongAxis } from '../activations.ts';
import type { KerasTensor, Sizes, WeightArray } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { permute } from '../permute.ts';
import { channelAxis, slide, type Window, windowAttributes, withChannelsFirst, withSpace } from './window.ts';

export const windowOf = (layer: Layer, axes: number): Window => ({
  kernel: layer.integers('kernel_size', axes),
  strides: layer.integers('strides', axes, 1),
  dilations: layer.integers('dilation_rate', axes, 1),
  padding: layer.choice('padding', axes === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same']),
});

/** The axes of a kernel from (space, in, out) to (out, in, space). */
export const outFirst = (axes: number): number[] => [
  axes + 1,
  axes,
  ...Array.from({ length: axes }, (_, axis) => axis),
];

interface Kernel {
  readonly value: Value;
  readonly window: Window;
  readonly group: number;
  readonly filters: number;
  readonly bias?: Value | undefined;
}

export const convolve = (
  layer: Layer,
  input: KerasTensor,
  { value, window, group, filters, bias }: Kernel,
): KerasTensor => ({
  ...input,
  value: layer.graph.op('Conv', [input.value, value, ...(bias === undefined ? [] : [bias])], {
    ...windowAttributes(window),
    group: integer(group),
  }),
  shape: withSpace(input.shape, filters, (size, axis) => slide(size, axis, window)),
});

export const biasOf = (layer: Layer, filters: number): Value | undefined =>
  layer.flag('use_bias', true) ? layer.weight([filters], 'bias') : undefined;

/** Computes with the channels second, activation included, unless that is along an axis of Keras' own order. */
const activated = (
  layer: Layer,
  input: KerasTensor,
  axes: number,
  compute: (input: KerasTensor) => KerasTensor,
): KerasTensor => {
  const activation = layer.find('activation');
  if (isAlongAxis(activation)) return activate(layer, withChannelsFirst(layer, input, axes + 2, compute), activation);
  return withChannelsFirst(layer, input, axes + 2, (x) => activate(layer, compute(x), activation));
};

/** A kernel (space, in, multiplier) for each channel alone, as (in * multiplier, 1, space). */
const depthwiseKernel = (array: WeightArray, axes: number): { shape: Sizes; data: Float32Array } => {
  const { shape, data } = permute(array, [axes, axes + 1, ...Array.from({ length: axes }, (_, axis) => axis)]);
  const [channels = 1, multiplier = 1, ...space] = shape;
  return { shape: [channels * multiplier, 1, ...space], data };
};

const convolution = (axes: number): Converter =>
  unary((layer, input) => {
    const window = windowOf(layer, axes);
    const group = layer.number('groups', 1);
    const channels = layer.fixed(input.shape, channelAxis(layer, axes + 2));
    const filters = layer.number('filters');
    const kernel = layer.take([...window.kernel, channels / group, filters]);
    const value = layer.constant('kernel', () => {
      const { shape, data } = permute(kernel, outFirst(axes));
      return singles(shape, data);
    });
    const bias = biasOf(layer, filters);
    return activated(layer, input, axes, (x) => convolve(layer, x, { value, window, group, filters, bias }));
  });

const takeDepthwise = (layer: Layer, channels: number, window: Window, axes: number): Value => {
  const kernel = layer.take([...window.kernel, channels, layer.number('depth_multiplier', 1)]);
  return layer.constant('depthwise kernel', () => {
    const { shape, data } = depthwiseKernel(kernel, axes);
    return singles(shape, data);
  });
};

const depthwise = (axes: number): Converter =>
  unary((layer, input) => {
    const window = windowOf(layer, axes);
    const channels = layer.fixed(input.shape, channelAxis(layer, axes + 2));
    const filters = channels * layer.number('depth_multiplier', 1);
    const value = takeDepthwise(layer, channels, window, axes);
    const bias = biasOf(layer, filters);
    return activated(layer, input, axes, (x) => convolve(layer, x, { value, window, group: channels, filters, bias }));
  });

const separable = (axes: number): Converter =>
  unary((layer, input) => {
    const window = windowOf(layer, axes);
    const channels = layer.fixed(input.shape, channelAxis(layer, axes + 2));
    const inner = channels * layer.number('depth_multiplier', 1);
    const filters = layer.number('filters');
    const ones = Array.from({ length: axes }, () => 1);
    const first = takeDepthwise(layer, channels, window, axes);
    const pointwise = layer.take([...ones, inner, filters]);
    const second = layer.constant('pointwise kernel', () => {
      const { shape, data } = permute(pointwise, outFirst(axes));
      return singles(shape, data);
    });
    const bias = biasOf(layer, filters);
    const point = { kernel: ones, strides: ones, dilations: ones, padding: 'valid' };
    return activated(layer, input, axes, (x) => {
      const each = convolve(layer, x, { value: first, window, group: channels, filters: inner });
      return convolve(layer, each, { value: second, window: point, group: 1, filters, bias });
    });
  });

/** The elements that an axis of the full result, (size - 1) * stride + extent, has too many. A negative number is added at its end. */
const cutOf = (extent: number, stride: number, isSame: boolean, padding: number | undefined): number => {
  if (padding === undefined) return isSame ? extent - stride : Math.min(0, extent - stride);
  return isSame ? 2 * Math.floor(extent / 2) - padding : -padding;
};

const transposed = (axes: number): Converter =>
  unary((layer, input) => {
    const window = windowOf(layer, axes);
    const channels = layer.fixed(input.shape, channelAxis(layer, axes + 2));
    const filters = layer.number('filters');
    const kernel = layer.take([...window.kernel, filters, channels]);
    const value = layer.constant('kernel', () => {
      const { shape, data } = permute(kernel, outFirst(axes));
      return singles(shape, data);
    });
    const bias = biasOf(layer, filters);
    const added = layer.find('output_padding') === undefined ? undefined : layer.integers('output_padding', axes);
    const extents = window.kernel.map((size, axis) => (size - 1) * (window.dilations[axis] ?? 1) + 1);
    const cuts = extents.map((extent, axis) =>
      cutOf(extent, window.strides[axis] ?? 1, window.padding === 'same', added?.[axis]),
    );
    const before = cuts.map((cut) => Math.max(0, Math.floor(cut / 2)));
    const after = cuts.map((cut, axis) => Math.max(0, cut - (before[axis] ?? 0)));
    const sizeOf = (size: number | null, axis: number): number | null =>
      size === null ? null : (size - 1) * (window.strides[axis] ?? 1) + (extents[axis] ?? 1) - (cuts[axis] ?? 0);
    const attributes = {
      kernel_shape: integers(window.kernel),
      strides: integers(window.strides),
      dilations: integers(window.dilations),
      pads: integers([...before, ...after]),
      output_padding: integers(cuts.map((cut) => Math.max(0, -cut))),
    };
    return activated(layer, input, axes, (x) => ({
      ...x,
      value: layer.graph.op('ConvTranspose', [x.value, value, ...(bias === undefined ? [] : [bias])], attributes),
      shape: withSpace(x.shape, filters, sizeOf),
    }));
  });

export const CONVOLUTIONS: Converters = {
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv3D: convolution(3),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  Conv1DTranspose: transposed(1),
  Conv2DTranspose: transposed(2),
  Conv3DTranspose: transposed(3),
};
