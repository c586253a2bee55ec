import { longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers } from '../../../onnx/node.ts';
import { formatShape, type KerasTensor, type Shape, toAxis } from '../keras-tensor.ts';
import type { Converter, Converters, Layer } from '../layer.ts';

/** The shape of several tensors that are combined element by element. Missing axes are added in front. */
export const broadcast = (layer: Layer, shapes: readonly Shape[]): Shape => {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => {
      const own = axis - (rank - shape.length);
      return own < 0 ? 1 : (shape[own] ?? null);
    });
    const fixed = [...new Set(sizes.filter((size) => size !== 1 && size !== null))];
    if (fixed.length > 1) layer.refuse(`its inputs ${shapes.map(formatShape).join(' and ')} do not fit together`);
    return fixed[0] ?? (sizes.includes(null) ? null : 1);
  });
};

/** The mask that all inputs share. Versions of Keras join different masks in different ways. */
const commonMask = (layer: Layer, inputs: readonly KerasTensor[]): Pick<KerasTensor, 'mask'> => {
  const masks = new Set(inputs.map(({ mask }) => mask));
  const [mask] = masks;
  if (masks.size === 1) return mask === undefined ? {} : { mask };
  if (!masks.has(undefined) || layer.config.className === 'Concatenate')
    layer.refuse('its inputs have different masks, which versions of Keras join in different ways');
  return {};
};

/** Keras takes the batch of tensors of different rank as one axis, and adds axes behind it. */
const aligned = (layer: Layer, inputs: readonly KerasTensor[]): readonly KerasTensor[] => {
  const rank = Math.max(0, ...inputs.map(({ shape }) => shape.length));
  return inputs.map((input) => {
    const missing = rank - input.shape.length;
    if (missing === 0) return input;
    const axes = Array.from({ length: missing }, (_, index) => index + 1);
    const value = layer.graph.op('Unsqueeze', [input.value, layer.graph.constant(longs(axes))]);
    return { ...input, value, shape: [input.shape[0] ?? null, ...axes.map(() => 1), ...input.shape.slice(1)] };
  });
};

const merging =
  (combine: (layer: Layer, values: readonly Value[]) => Value, count?: number): Converter =>
  (layer, { inputs }) => {
    if (inputs.length === 0 || (count !== undefined && inputs.length !== count))
      layer.refuse(`it is called with ${inputs.length} tensors, expected ${count ?? 'some'}`);
    const all = aligned(layer, inputs);
    const value = combine(
      layer,
      all.map((input) => input.value),
    );
    const shape = broadcast(
      layer,
      all.map((input) => input.shape),
    );
    return { value, shape, dtype: 'float32', ...commonMask(layer, inputs) };
  };

/** An operator of two operands over all. */
const fold = (operator: string): Converter =>
  merging(({ graph }, values) => values.reduce((all, value) => graph.op(operator, [all, value])));

const many = (operator: string): Converter => merging(({ graph }, values) => graph.op(operator, values));

const average: Converter = merging((layer, values) => {
  const sum = values.reduce((all, value) => layer.graph.op('Add', [all, value]));
  return layer.graph.op('Div', [sum, layer.scalar(values.length)]);
});

/** Tensors side by side along an axis. */
export const concatenate = (layer: Layer, inputs: readonly KerasTensor[], asked: number): KerasTensor => {
  const [first] = inputs;
  if (first === undefined) return layer.refuse('it is called without tensors');
  const rank = first.shape.length;
  const axis = toAxis(asked, rank);
  const sizes = inputs.map(({ shape }) => shape[axis] ?? null);
  const sum = sizes.reduce<number | null>((all, size) => (all === null || size === null ? null : all + size), 0);
  const value = layer.graph.op(
    'Concat',
    inputs.map((input) => input.value),
    { axis: integer(axis) },
  );
  const others = broadcast(
    layer,
    inputs.map(({ shape }) => shape.filter((_, index) => index !== axis)),
  );
  return { value, shape: [...others.slice(0, axis), sum, ...others.slice(axis)], dtype: first.dtype };
};

const concatenated: Converter = (layer, { inputs }) => {
  const axis = layer.number('axis', -1);
  const mask = commonMask(layer, inputs);
  const isLast = toAxis(axis, inputs[0]?.shape.length ?? 0) === (inputs[0]?.shape.length ?? 0) - 1;
  if (mask.mask !== undefined && !isLast) layer.refuse('its inputs have masks, and it does not join their last axis');
  return { ...concatenate(layer, inputs, axis), ...mask };
};

/** Sums of products along an axis of each tensor. */
const dot: Converter = (layer, { inputs }) => {
  const [left, right] = inputs;
  if (left === undefined || right === undefined || inputs.length !== 2) return layer.refuse('it needs two tensors');
  const { graph } = layer;
  const axes = layer.integers('axes', 2);
  const unit = (x: KerasTensor, axis: number): Value => {
    if (!layer.flag('normalize')) return x.value;
    const sum = graph.op('ReduceSumSquare', [x.value, graph.constant(longs([axis]))], { keepdims: integer(1) });
    const least = layer.surroundings.origin.startsWith('Keras 2') ? 1e-12 : 1e-24;
    return graph.op('Div', [x.value, graph.op('Sqrt', [graph.op('Max', [sum, layer.scalar(least)])])]);
  };
  /** [N, other axes, axis] */
  const turned = (x: KerasTensor, axis: number): { value: Value; rest: Shape } => {
    const others = x.shape.map((_, index) => index).filter((index) => index !== 0 && index !== axis);
    const value = graph.op('Transpose', [unit(x, axis)], { perm: integers([0, ...others, axis]) });
    return { value, rest: others.map((index) => x.shape[index] ?? null) };
  };
  if (left.shape.length > 3 || right.shape.length > 3) return layer.refuse('its tensors have more than three axes');
  const a = turned(left, toAxis(axes[0] ?? -1, left.shape.length));
  const b = turned(right, toAxis(axes[1] ?? -1, right.shape.length));
  const matrix = (value: Value, rest: Shape) =>
    rest.length === 0 ? graph.op('Unsqueeze', [value, graph.constant(longs([1]))]) : value;
  const flipped = graph.op('Transpose', [matrix(b.value, b.rest)], { perm: integers([0, 2, 1]) });
  let value = graph.op('MatMul', [matrix(a.value, a.rest), flipped]);
  const single = [...(a.rest.length === 0 ? [1] : []), ...(b.rest.length === 0 ? [2] : [])];
  const rest = [...a.rest, ...b.rest];
  if (rest.length === 0) value = graph.op('Squeeze', [value, graph.constant(longs([2]))]);
  else if (single.length > 0) value = graph.op('Squeeze', [value, graph.constant(longs(single))]);
  return { value, shape: [left.shape[0] ?? null, ...(rest.length === 0 ? [1] : rest)], dtype: 'float32' };
};

export const MERGINGS: Converters = {
  Add: fold('Add'),
  Multiply: fold('Mul'),
  Subtract: merging(({ graph }, values) => graph.op('Sub', values), 2),
  Average: average,
  Maximum: many('Max'),
  Minimum: many('Min'),
  Concatenate: concatenated,
  Dot: dot,
};
