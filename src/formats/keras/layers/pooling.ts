import { longs } from '../../../onnx/graph-builder.ts';
import { type Attributes, integer, integers } from '../../../onnx/node.ts';
import type { KerasTensor, Shape } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { slide, spaceOf, type Window, windowAttributes, withChannelsFirst, withSpace } from './window.ts';

/**
 * Attributes of a window that moves over `space`. A window that steps over elements is padded as TensorFlow does it, because onnxruntime would pad
 * it by negative sizes.
 */
const poolAttributes = (layer: Layer, space: Shape, window: Window): Attributes => {
  const { kernel, strides, padding } = window;
  if (padding !== 'same' || strides.every((stride, axis) => stride <= (kernel[axis] ?? 1)))
    return windowAttributes(window);
  const room = kernel.map((size, axis) => {
    const [length, stride] = [layer.fixed(space, axis), strides[axis] ?? 1];
    return Math.max(0, (Math.ceil(length / stride) - 1) * stride + size - length);
  });
  const before = room.map((all) => Math.floor(all / 2));
  const pads = integers([...before, ...room.map((all, axis) => all - (before[axis] ?? 0))]);
  return { ...windowAttributes({ ...window, padding: 'valid' }), pads };
};

const pooling = (operator: string, axes: number): Converter =>
  unary((layer, input) => {
    const kernel = layer.integers('pool_size', axes);
    const window: Window = {
      kernel,
      strides: layer.integers('strides', axes, kernel),
      dilations: kernel.map(() => 1),
      padding: layer.choice('padding', ['valid', 'same']),
    };
    return withChannelsFirst(layer, input, axes + 2, (x) => ({
      ...x,
      value: layer.graph.op(operator, [x.value], poolAttributes(layer, x.shape.slice(2), window)),
      shape: withSpace(x.shape, x.shape[1] ?? null, (size, axis) => slide(size, axis, window)),
    }));
  });

/** A reduction of `input` over `axes`. */
export const reduce = (
  { graph }: Layer,
  operator: string,
  input: KerasTensor,
  axes: readonly number[],
  keepsAxes: boolean,
): KerasTensor => ({
  value: graph.op(operator, [input.value, graph.constant(longs(axes))], { keepdims: integer(Number(keepsAxes)) }),
  shape: input.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepsAxes ? [1] : []) : [size])),
  dtype: input.dtype,
});

/** The mean of the steps that count, as Keras computes it. */
const maskedMean = (layer: Layer, input: KerasTensor, mask: string, keepsAxes: boolean): KerasTensor => {
  const { graph } = layer;
  if (layer.find('data_format') === 'channels_first') layer.refuse('it has a mask, and its channels come first');
  const counts = graph.op('Cast', [graph.op('Unsqueeze', [mask, graph.constant(longs([2]))])], { to: integer(1) });
  const kept = { ...input, value: graph.op('Mul', [input.value, counts]) };
  const sum = reduce(layer, 'ReduceSum', kept, [1], keepsAxes);
  const count = reduce(layer, 'ReduceSum', { ...input, value: counts }, [1], keepsAxes);
  return { ...sum, value: graph.op('Div', [sum.value, count.value]) };
};

const globalPooling = (operator: string, axes: number): Converter =>
  unary((layer, input) => {
    const keepsAxes = layer.flag('keepdims');
    if (input.mask !== undefined && axes === 1 && operator === 'ReduceMean')
      return maskedMean(layer, input, input.mask, keepsAxes);
    return reduce(layer, operator, input, spaceOf(layer, axes + 2), keepsAxes);
  });

const ofEach = (name: string, make: (axes: number) => Converter): Converters =>
  Object.fromEntries([1, 2, 3].map((axes) => [`${name}${axes}D`, make(axes)]));

export const POOLINGS: Converters = {
  ...ofEach('MaxPooling', (axes) => pooling('MaxPool', axes)),
  ...ofEach('AveragePooling', (axes) => pooling('AveragePool', axes)),
  ...ofEach('GlobalMaxPooling', (axes) => globalPooling('ReduceMax', axes)),
  ...ofEach('GlobalAveragePooling', (axes) => globalPooling('ReduceMean', axes)),
};
