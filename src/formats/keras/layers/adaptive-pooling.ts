import { longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { reduce } from './pooling.ts';
import { spaceOf } from './window.ts';

/** Windows of an axis that a graph may have. */
const MOST_WINDOWS = 1000;

/** Parts of an axis, each reduced to one element. They overlap where the sizes do not divide evenly. */
const reduceAxis = (layer: Layer, input: KerasTensor, operator: string, axis: number, count: number): KerasTensor => {
  const { graph } = layer;
  const size = layer.fixed(input.shape, axis);
  if (count > MOST_WINDOWS) layer.refuse(`it divides an axis into ${count} windows, expected ${MOST_WINDOWS} at most`);
  if (count === size) return input;
  const parts = Array.from({ length: count }, (_, index): Value => {
    const bounds = [Math.floor((index * size) / count), Math.ceil(((index + 1) * size) / count), axis];
    const value = graph.op('Slice', [input.value, ...bounds.map((each) => graph.constant(longs([each])))]);
    return reduce(layer, operator, { ...input, value }, [axis], true).value;
  });
  const value = graph.op('Concat', parts, { axis: integer(axis) });
  return { ...input, value, shape: input.shape.map((each, at) => (at === axis ? count : each)) };
};

const adaptivePooling = (operator: string, axes: number): Converter =>
  unary((layer, input) => {
    const counts = layer.integers('output_size', axes);
    return spaceOf(layer, axes + 2).reduce(
      (pooled, axis, index) => reduceAxis(layer, pooled, operator, axis, counts[index] ?? 1),
      input,
    );
  });

export const ADAPTIVE_POOLINGS: Converters = Object.fromEntries(
  [1, 2, 3].flatMap((axes) => [
    [`AdaptiveAveragePooling${axes}D`, adaptivePooling('ReduceMean', axes)],
    [`AdaptiveMaxPooling${axes}D`, adaptivePooling('ReduceMax', axes)],
  ]),
);
