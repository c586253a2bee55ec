import { show } from '../../../core/show.ts';
import { longs } from '../../../onnx/graph-builder.ts';
import { type Shape, toAxis } from '../keras-tensor.ts';
import type { Converter, Converters } from '../layer.ts';
import { concatenate } from '../layers/merging.ts';
import { getItem, toSizes } from '../layers/shapes.ts';
import { transpose } from '../layers/window.ts';
import { numbersIn, settingOf, tensorOf, toOperand } from './operands.ts';

const reshaped: Converter = (layer, call) => {
  const sizes = numbersIn(settingOf(layer, call, 'newshape', 'shape'));
  const [batch, ...rest] = sizes;
  const x = tensorOf(layer, call);
  const given = x.shape[0] ?? -1;
  if (batch !== given || sizes.some(Number.isNaN))
    layer.refuse(`it reshapes to ${show(sizes)}, and the batch must stay -1`);
  return toSizes(
    layer,
    x,
    rest.map((size) => (size === -1 ? null : size)),
  );
};

const transposed: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axes = settingOf(layer, call, 'axes', 'perm');
  return transpose(layer, x, axes === undefined ? x.shape.map((_, axis) => axis).reverse() : numbersIn(axes));
};

const expandDims: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axes = numbersIn(settingOf(layer, call, 'axis'));
  const rank = x.shape.length + axes.length;
  const added = axes.map((axis) => toAxis(axis, rank));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : (rest.shift() ?? null)));
  return { ...x, value: layer.graph.op('Unsqueeze', [x.value, layer.graph.constant(longs(axes))]), shape };
};

const squeeze: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axis = settingOf(layer, call, 'axis');
  const axes =
    axis === undefined
      ? x.shape.flatMap((size, index) => (size === 1 ? [index] : []))
      : numbersIn(axis).map((each) => toAxis(each, x.shape.length));
  const value = layer.graph.op('Squeeze', [x.value, layer.graph.constant(longs(axes))]);
  return { ...x, value, shape: x.shape.filter((_, index) => !axes.includes(index)) };
};

const concatenated: Converter = (layer, call) => {
  const axis = settingOf(layer, call, 'axis') ?? call.positional[1] ?? -1;
  const tensors = call.inputs.map((input) => toOperand(layer, input));
  return concatenate(layer, tensors, typeof axis === 'number' ? axis : layer.refuse(`axis is ${show(axis)}`));
};

const stacked: Converter = (layer, call) => {
  const { graph } = layer;
  const axis = Number(settingOf(layer, call, 'axis') ?? 0);
  const column = graph.constant(longs([axis]));
  const rank = (call.inputs[0]?.shape.length ?? 0) + 1;
  const at = toAxis(axis, rank);
  const widen = (shape: Shape) => [...shape.slice(0, at), 1, ...shape.slice(at)];
  const all = call.inputs.map((input) => {
    const x = toOperand(layer, input);
    return { ...x, value: graph.op('Unsqueeze', [x.value, column]), shape: widen(x.shape) };
  });
  return concatenate(layer, all, at);
};

const item: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const given = call.named.slice_spec ?? call.named.key ?? call.positional[1];
  return getItem(layer, x, Array.isArray(given) ? given : [given]);
};

const swapped: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axes = ['axis1', 'axis2'].map((name) => toAxis(Number(settingOf(layer, call, name)), x.shape.length));
  const [a = 0, b = 0] = axes;
  return transpose(
    layer,
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
};

const same: Converter = (layer, call) => tensorOf(layer, call);

/** Functions that give the elements another order or shape, and compute nothing. */
export const ARRANGEMENTS: Converters = {
  reshape: reshaped,
  transpose: transposed,
  swapaxes: swapped,
  expand_dims: expandDims,
  squeeze,
  ...Object.fromEntries(['concatenate', 'concat'].map((name) => [name, concatenated])),
  stack: stacked,
  ...Object.fromEntries(['get_item', 'getitem'].map((name) => [name, item])),
  ...Object.fromEntries(['identity', 'stop_gradient'].map((name) => [name, same])),
};
