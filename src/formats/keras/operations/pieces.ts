import { show } from '../../../core/show.ts';
import { longs } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { type KerasTensor, toAxis } from '../keras-tensor.ts';
import type { Call, Converter, Converters, Layer } from '../layer.ts';
import { transpose } from '../layers/window.ts';
import { axisOf, numbersIn, settingOf, tensorOf } from './operands.ts';

/** Pieces of an axis that a graph may have. */
const MOST_PIECES = 1000;

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** The sizes of the pieces: of a count, of the places where Keras cuts, or of the sizes that TensorFlow names. */
const sizesOf = (layer: Layer, call: Call, size: number): readonly number[] => {
  const ofKeras = settingOf(layer, call, 'indices_or_sections');
  const given = ofKeras ?? settingOf(layer, call, 'num_or_size_splits', 'num_split') ?? call.positional[1];
  if (typeof given === 'number') return Array.from({ length: Math.min(given, MOST_PIECES + 1) }, () => size / given);
  const numbers = numbersIn(given);
  if (ofKeras !== undefined) return [...numbers, size].map((end, index) => end - (numbers[index - 1] ?? 0));
  const known = numbers.reduce((sum, each) => sum + Math.max(0, each), 0);
  return numbers.map((each) => (each === -1 ? size - known : each));
};

const split: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axis = axisOf(layer, call, x);
  const size = layer.fixed(x.shape, axis);
  const sizes = sizesOf(layer, call, size);
  const sum = sizes.reduce((all, each) => all + each, 0);
  if (sizes.length > MOST_PIECES || sum !== size || !sizes.every(isWhole))
    return layer.refuse(`it divides an axis of ${size} into pieces of ${show(sizes.slice(0, 8))}`);
  const inputs = [x.value, layer.graph.constant(longs(sizes))];
  const values = layer.graph.ops('Split', sizes.length, inputs, { axis: integer(axis) });
  return values.map((value, index) => ({
    ...x,
    value,
    shape: x.shape.map((each, at) => (at === axis ? (sizes[index] ?? null) : each)),
  }));
};

/** The elements of an axis at `places`. */
const gather = (layer: Layer, x: KerasTensor, axis: number, places: readonly number[]): KerasTensor => ({
  ...x,
  value: layer.graph.op('Gather', [x.value, layer.graph.constant(longs(places))], { axis: integer(axis) }),
  shape: x.shape.map((size, at) => (at === axis ? places.length : size)),
});

/** Each element of an axis several times in a row. */
const repeated: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  if (settingOf(layer, call, 'axis') === undefined) return layer.refuse('repeat without an axis cannot be converted');
  const axis = axisOf(layer, call, x);
  const count = Number(settingOf(layer, call, 'repeats') ?? call.positional[1]);
  if (!isWhole(count)) return layer.refuse('repeat needs one count for all elements');
  const length = layer.bounded('the size of its axis', layer.fixed(x.shape, axis) * count);
  return gather(
    layer,
    x,
    axis,
    Array.from({ length }, (_, index) => Math.floor(index / count)),
  );
};

/** A tensor side by side with itself. */
const tiled: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const counts = numbersIn(settingOf(layer, call, 'repeats', 'multiples') ?? call.positional[1]);
  if (counts.length !== x.shape.length || counts[0] !== 1 || !counts.every(isWhole))
    return layer.refuse(`it repeats ${show(counts)} times, expected a count for each axis, and 1 for the batch`);
  const value = layer.graph.op('Tile', [x.value, layer.graph.constant(longs(counts))]);
  return { ...x, value, shape: x.shape.map((size, axis) => (size === null ? null : size * (counts[axis] ?? 1))) };
};

/** The end of a slice that runs to the first element. */
const BEFORE_FIRST = -(2 ** 31);

const flipped: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const axes = numbersIn(settingOf(layer, call, 'axis')).map((axis) => toAxis(axis, x.shape.length));
  if (axes.some((axis) => !(axis > 0))) return layer.refuse('it turns the batch around; name another axis');
  const bounds = [axes.map(() => -1), axes.map(() => BEFORE_FIRST), axes, axes.map(() => -1)];
  return {
    ...x,
    value: layer.graph.op('Slice', [x.value, ...bounds.map((each) => layer.graph.constant(longs(each)))]),
  };
};

const moved: Converter = (layer, call) => {
  const x = tensorOf(layer, call);
  const [from = [], to = []] = ['source', 'destination'].map((name) =>
    numbersIn(settingOf(layer, call, name)).map((axis) => toAxis(axis, x.shape.length)),
  );
  const order = x.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis));
  const places = [...to.entries()].sort(([, a], [, b]) => a - b);
  for (const [index, place] of places) order.splice(place, 0, from[index] ?? -1);
  return transpose(layer, x, order);
};

/** Functions that take a tensor to pieces, or repeat pieces of it. */
export const PIECES: Converters = {
  split,
  repeat: repeated,
  tile: tiled,
  ...Object.fromEntries(['flip', 'reverse', 'reverse_v2'].map((name) => [name, flipped])),
  moveaxis: moved,
};
