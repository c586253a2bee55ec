import { isObject } from '../../../core/is-object.ts';
import { elementCount } from '../../../core/tensor.ts';
import { singles, type Value } from '../../../onnx/graph-builder.ts';
import { float, integer } from '../../../onnx/node.ts';
import { type KerasTensor, toAxis } from '../keras-tensor.ts';
import { type Converters, type Layer, unary } from '../layer.ts';
import { reduce } from './pooling.ts';
import { reshape, transpose } from './window.ts';

/** The axes that a layer normalizes, ascending. */
const axesOf = (layer: Layer, rank: number, otherwise: number): number[] => {
  const axis = layer.find('axis') ?? otherwise;
  const axes = (Array.isArray(axis) ? axis : [axis]).map((each: unknown) => toAxis(Number(each), rank));
  return axes.sort((a, b) => a - b);
};

/** A vector over `axis` as a shape that broadcasts over a tensor of `rank` axes. */
const along = (axis: number, rank: number, size: number): number[] =>
  axis === rank - 1 ? [size] : Array.from({ length: rank - axis }, (_, index) => (index === 0 ? size : 1));

const batchNormalization = unary((layer, input) => {
  const rank = input.shape.length;
  const [axis = rank - 1, ...others] = axesOf(layer, rank, -1);
  if (others.length > 0) layer.refuse('it normalizes several axes, and only one can be converted');
  const size = layer.fixed(input.shape, axis);
  const epsilon = layer.number('epsilon', 1e-3);
  const gamma = layer.flag('scale', true) ? layer.take([size]).data : undefined;
  const beta = layer.flag('center', true) ? layer.take([size]).data : undefined;
  const mean = layer.take([size]).data;
  const variance = layer.take([size]).data;
  const scale = Float64Array.from(variance, (each, index) => (gamma?.[index] ?? 1) / Math.sqrt(each + epsilon));
  const offset = Float64Array.from(mean, (each, index) => (beta?.[index] ?? 0) - each * (scale[index] ?? 0));
  const shape = along(axis, rank, size);
  const factor = layer.constant('scale', () => singles(shape, scale));
  const shift = layer.constant('offset', () => singles(shape, offset));
  return { ...input, value: layer.graph.op('Add', [layer.graph.op('Mul', [input.value, factor]), shift]) };
});

/** Normalizes `axes`, which are the last ones, as ONNX has it. */
const normalizeLast = (layer: Layer, input: KerasTensor, axes: readonly number[]): KerasTensor => {
  const shape = axes.map((axis) => layer.fixed(input.shape, axis));
  const size = layer.bounded('the size of its axes', elementCount(shape));
  const gamma = layer.flag('scale', true)
    ? layer.weight(shape, 'gamma')
    : layer.constant('gamma', () => singles(shape, new Float32Array(size).fill(1)));
  const inputs = [input.value, gamma, ...(layer.flag('center', true) ? [layer.weight(shape, 'beta')] : [])];
  const attributes = { axis: integer(axes[0] ?? 0), epsilon: float(layer.number('epsilon', 1e-3)) };
  return { ...input, value: layer.graph.op('LayerNormalization', inputs, attributes) };
};

const layerNormalization = unary((layer, input) => {
  const rank = input.shape.length;
  const axes = axesOf(layer, rank, -1);
  if (layer.flag('rms_scaling')) layer.refuse('rms_scaling cannot be converted; use RMSNormalization');
  const others = input.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...others, ...axes];
  const last = axes.map((_, index) => others.length + index);
  if (order.every((axis, index) => axis === index)) return normalizeLast(layer, input, last);
  const normalized = normalizeLast(layer, transpose(layer, input, order), last);
  const back = order.map((_, axis) => order.indexOf(axis));
  return { ...input, value: transpose(layer, normalized, back).value };
});

/** x / sqrt(mean(x²) + epsilon). */
const rmsNormalization = unary((layer, input) => {
  const [axis = 0, ...others] = axesOf(layer, input.shape.length, -1);
  if (others.length > 0) layer.refuse('it normalizes several axes, and only one can be converted');
  const { graph } = layer;
  const squares = { ...input, value: graph.op('Mul', [input.value, input.value]) };
  const mean = reduce(layer, 'ReduceMean', squares, [axis], true).value;
  const root = graph.op('Sqrt', [graph.op('Add', [mean, layer.scalar(layer.number('epsilon', 1e-6))])]);
  const gamma = layer.weight([layer.fixed(input.shape, axis)], 'gamma');
  return { ...input, value: graph.op('Mul', [graph.op('Div', [input.value, root]), gamma]) };
});

/** Groups of channels are one axis of its own while mean and variance are computed, over all other axes. */
const groupNormalization = unary((layer, input) => {
  const rank = input.shape.length;
  const { graph } = layer;
  const axis = toAxis(layer.number('axis', -1), rank);
  const channels = layer.fixed(input.shape, axis);
  const asked = layer.number('groups', 32);
  const groups = asked === -1 ? channels : asked;
  const [before, after] = [input.shape.slice(0, axis), input.shape.slice(axis + 1)];
  if (after.filter((size) => size === null).length > 1)
    layer.refuse('it normalizes an axis before several of any size');
  /** `value` with `sizes` in the place of the axis, or of the two that it was split into. */
  const withSizes = (value: Value, sizes: readonly number[]): Value =>
    reshape(layer, value, [...before.map(() => 0), ...sizes, ...after.map((size) => size ?? -1)]);
  const split = [groups, channels / groups];
  const grouped: KerasTensor = {
    ...input,
    value: withSizes(input.value, split),
    shape: [...before, ...split, ...after],
  };
  const axes = grouped.shape.map((_, index) => index).filter((index) => index !== 0 && index !== axis);
  const mean = reduce(layer, 'ReduceMean', grouped, axes, true).value;
  const centred = { ...grouped, value: graph.op('Sub', [grouped.value, mean]) };
  const squares = { ...grouped, value: graph.op('Mul', [centred.value, centred.value]) };
  const variance = reduce(layer, 'ReduceMean', squares, axes, true).value;
  const root = graph.op('Sqrt', [graph.op('Add', [variance, layer.scalar(layer.number('epsilon', 1e-3))])]);
  let value = withSizes(graph.op('Div', [centred.value, root]), [channels]);
  const alongAxis = (name: string): Value =>
    reshape(layer, layer.weight([channels], name), [channels, ...after.map(() => 1)]);
  if (layer.flag('scale', true)) value = graph.op('Mul', [value, alongAxis('gamma')]);
  if (layer.flag('center', true)) value = graph.op('Add', [value, alongAxis('beta')]);
  return { ...input, value };
});

/** x / max(length of x, 1e-12), the square of which Keras bounds. */
const unitNormalization = unary((layer, input) => {
  const { graph } = layer;
  const axes = axesOf(layer, input.shape.length, -1);
  const sum = reduce(layer, 'ReduceSumSquare', input, axes, true).value;
  const isKeras2 = layer.surroundings.origin.startsWith('Keras 2');
  const least = layer.scalar(isKeras2 ? 1e-12 : 1e-24);
  const length = graph.op('Sqrt', [graph.op('Max', [sum, least])]);
  return { ...input, value: graph.op('Div', [input.value, length]) };
});

/** Numbers of a setting, which may be nested lists. */
const numbersOf = (value: unknown): number[] | undefined => {
  if (isObject(value) && isObject(value.config)) return numbersOf(value.config.value);
  const flat: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  return flat.every((each) => typeof each === 'number') ? flat : undefined;
};

/** (x - mean) / sqrt(variance), of the settings or as the layer has learned them. */
const normalization = unary((layer, input) => {
  const rank = input.shape.length;
  const axis = layer.find('axis');
  const axes = axis === undefined ? [] : axesOf(layer, rank, -1);
  const shape = axes.map((each) => layer.fixed(input.shape, each));
  const given = { mean: numbersOf(layer.find('mean')), variance: numbersOf(layer.find('variance')) };
  const mean = given.mean ?? Array.from(layer.take(shape).data);
  const variance = given.variance ?? Array.from(layer.take(shape).data);
  if (given.mean === undefined) layer.take([]); // the number of rows that it has learned from
  if (axes.length > 1 || (axes[0] ?? rank - 1) !== rank - 1)
    layer.refuse(`it normalizes along the axes ${axes.join(', ')}, and only along the last it can be converted`);
  const deviation = variance.map((each) => Math.max(Math.sqrt(each), 1e-7));
  const constant = (key: string, values: readonly number[]): Value =>
    layer.constant(key, () => singles(values.length === 1 ? [] : [values.length], values));
  const { graph } = layer;
  if (layer.flag('invert')) {
    const scaled = graph.op('Mul', [input.value, constant('deviation', deviation)]);
    return { ...input, value: graph.op('Add', [scaled, constant('mean', mean)]) };
  }
  const centred = graph.op('Sub', [input.value, constant('mean', mean)]);
  return { ...input, value: graph.op('Div', [centred, constant('deviation', deviation)]) };
});

/** x * scale + offset. */
const rescaling = unary((layer, input) => {
  const { graph } = layer;
  const constant = (name: string, otherwise: number): Value => {
    const values = numbersOf(layer.find(name) ?? otherwise) ?? layer.refuse(`${name} is no number`);
    return graph.constant(singles(values.length === 1 ? [] : [values.length], values));
  };
  const scaled = graph.op('Mul', [input.value, constant('scale', 1)]);
  return { ...input, value: graph.op('Add', [scaled, constant('offset', 0)]) };
});

export const NORMALIZATIONS: Converters = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  Normalization: normalization,
  Rescaling: rescaling,
};
