import { isObject } from '../../../core/is-object.ts';
import { show } from '../../../core/show.ts';
import { longs } from '../../../onnx/graph-builder.ts';
import { formatShape, type KerasTensor, productOf, type Shape } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { reshape, spaceOf, transpose } from './window.ts';

const withoutMask = ({ value, shape, dtype }: KerasTensor): KerasTensor => ({ value, shape, dtype });

/**
 * Reshapes to sizes behind the batch; null is a size that follows from the others. @throws `MODEL_INVALID` when more than one size is open
 */
export const toSizes = (layer: Layer, input: KerasTensor, asked: Shape): KerasTensor => {
  const all = productOf(input.shape.slice(1));
  const given = productOf(asked.map((size) => size ?? 1));
  const open = asked.filter((size) => size === null).length;
  if (open > 1) layer.refuse('more than one of its sizes is open');
  if (all !== null && given !== null && !Number.isInteger(all / given))
    layer.refuse(`it cannot turn ${formatShape(input.shape)} into sizes ${show(asked)}`);
  const shape = asked.map((size) => size ?? (all === null || given === null ? null : all / given));
  const sizes = [0, ...shape.map((size) => size ?? -1)];
  return {
    ...withoutMask(input),
    value: reshape(layer, input.value, sizes),
    shape: [input.shape[0] ?? null, ...shape],
  };
};

const flatten = unary((layer, input) => {
  const rank = input.shape.length;
  const order = [0, ...Array.from({ length: Math.max(0, rank - 2) }, (_, axis) => axis + 2), 1];
  const turned = layer.find('data_format') === 'channels_first' && rank > 2 ? transpose(layer, input, order) : input;
  return toSizes(layer, turned, [null]);
});

const isSizes = (value: unknown): value is (number | null)[] =>
  Array.isArray(value) && value.every((size) => size === null || Number.isSafeInteger(size));

const reshaped = unary((layer, input) => {
  const target = layer.find('target_shape');
  if (!isSizes(target)) return layer.refuse(`target_shape is ${show(target)}`);
  return toSizes(
    layer,
    input,
    target.map((size) => (size === -1 ? null : size)),
  );
});

const permuted = unary((layer, input) => {
  const dims = layer.integers('dims', input.shape.length - 1);
  return transpose(layer, input, [0, ...dims]);
});

const repeatVector = unary((layer, input) => {
  const { graph } = layer;
  const count = layer.number('n');
  const column = graph.op('Unsqueeze', [input.value, graph.constant(longs([1]))]);
  const value = graph.op('Tile', [column, graph.constant(longs([1, count, 1]))]);
  return { value, shape: [input.shape[0] ?? null, count, input.shape[1] ?? null], dtype: input.dtype };
});

/** Pairs of begin and end for each axis of space: from pairs, from one number for both, or from one number for all. */
const sidesOf = (layer: Layer, name: string, axes: number): readonly (readonly [number, number])[] => {
  const given = layer.find(name) ?? 1;
  const list: unknown[] = Array.isArray(given) && !(axes === 1 && typeof given[0] === 'number') ? given : [given];
  const sides = (list.length === axes ? list : Array.from({ length: axes }, () => list[0])).map((each) => {
    const pair: unknown[] = Array.isArray(each) ? each : [each, each];
    return [Number(pair[0]), Number(pair[1])] as const;
  });
  return sides.every((pair) => pair.every((side) => Number.isSafeInteger(side) && side >= 0))
    ? sides
    : layer.refuse(`${name} is ${show(given)}`);
};

const plus = (size: number | null | undefined, more: number): number | null =>
  typeof size === 'number' ? Math.max(0, size + more) : null;

const zeroPadding = (axes: number): Converter =>
  unary((layer, input) => {
    const space = spaceOf(layer, axes + 2);
    const sides = sidesOf(layer, 'padding', axes);
    const sideOf = (end: 0 | 1) => input.shape.map((_, axis) => sides[space.indexOf(axis)]?.[end] ?? 0);
    const [begin, end] = [sideOf(0), sideOf(1)];
    const value = layer.graph.op('Pad', [input.value, layer.graph.constant(longs([...begin, ...end]))]);
    const shape = input.shape.map((size, axis) => plus(size, (begin[axis] ?? 0) + (end[axis] ?? 0)));
    return { value, shape, dtype: input.dtype };
  });

/** An end beyond every axis. */
const LAST = 2 ** 31 - 1;

const cropping = (axes: number): Converter =>
  unary((layer, input) => {
    const space = spaceOf(layer, axes + 2);
    const sides = sidesOf(layer, 'cropping', axes);
    const { graph } = layer;
    const starts = graph.constant(longs(sides.map(([begin]) => begin)));
    const ends = graph.constant(longs(sides.map(([, end]) => (end === 0 ? LAST : -end))));
    const value = graph.op('Slice', [input.value, starts, ends, graph.constant(longs(space))]);
    const shape = input.shape.map((size, axis) => {
      const [begin, end] = sides[space.indexOf(axis)] ?? [0, 0];
      return plus(size, -begin - end);
    });
    return { value, shape, dtype: input.dtype };
  });

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** A slice of Python on an axis of a known size, or from its begin. */
const toCut = (layer: Layer, part: Readonly<Record<string, unknown>>, axis: number): Cut => {
  const read = (name: string, otherwise: number): number => {
    const value = part[name] ?? otherwise;
    return typeof value === 'number' ? value : layer.refuse(`slice ${show(part)} has no number as ${name}`);
  };
  const step = read('step', 1);
  return { axis, start: read('start', step < 0 ? LAST : 0), end: read('stop', step < 0 ? -LAST : LAST), step };
};

const sizeOfCut = (size: number | null, { start, end, step }: Cut): number | null => {
  if (size === null) return null;
  const within = (index: number) => {
    const low = step < 0 ? -1 : 0;
    return Math.min(Math.max(index < 0 ? index + size : index, low), step < 0 ? size - 1 : size);
  };
  const last = step < 0 && end === -LAST ? -1 : within(end);
  return Math.max(0, Math.ceil((last - within(start)) / step));
};

/** `x[1:, :2, None, 0]`, with slices as objects and integers as they are. */
export const getItem = (layer: Layer, input: KerasTensor, items: readonly unknown[]): KerasTensor => {
  const { graph } = layer;
  const cuts: Cut[] = [];
  const dropped: number[] = [];
  const added: number[] = [];
  const parts: (number | null)[] = [];
  let axis = 0;
  for (const item of expandEllipsis(items, input.shape.length)) {
    const size = input.shape[axis] ?? null;
    if (item === null) {
      added.push(parts.length);
      parts.push(1);
      continue;
    }
    if (typeof item === 'number') {
      cuts.push({ axis, start: item, end: item === -1 ? LAST : item + 1, step: 1 });
      dropped.push(axis);
    } else {
      const slice = isObject(item) && isObject(item.config) ? item.config : item;
      if (!isObject(slice)) return layer.refuse(`index ${show(item)} cannot be converted`);
      const cut = toCut(layer, slice, axis);
      cuts.push(cut);
      parts.push(sizeOfCut(size, cut));
    }
    axis += 1;
  }
  const bounds = (['start', 'end', 'axis', 'step'] as const).map((name) =>
    graph.constant(longs(cuts.map((cut) => cut[name]))),
  );
  let value = cuts.length === 0 ? input.value : graph.op('Slice', [input.value, ...bounds]);
  if (dropped.length > 0) value = graph.op('Squeeze', [value, graph.constant(longs(dropped))]);
  if (added.length > 0) value = graph.op('Unsqueeze', [value, graph.constant(longs(added))]);
  return { value, shape: [...parts, ...input.shape.slice(axis)], dtype: input.dtype };
};

const isEllipsis = (item: unknown): boolean => isObject(item) && item.class_name === '__ellipsis__';

const expandEllipsis = (items: readonly unknown[], rank: number): readonly unknown[] => {
  const index = items.findIndex(isEllipsis);
  if (index < 0) return items;
  const used = items.filter((item) => item !== null && !isEllipsis(item)).length;
  const all = Array.from({ length: Math.max(0, rank - used) }, () => ({}));
  return [...items.slice(0, index), ...all, ...items.slice(index + 1)];
};

const ofEach = (name: string, make: (axes: number) => Converter): Converters =>
  Object.fromEntries([1, 2, 3].map((axes) => [`${name}${axes}D`, make(axes)]));

export const SHAPES: Converters = {
  Flatten: flatten,
  Reshape: reshaped,
  Permute: permuted,
  RepeatVector: repeatVector,
  ...ofEach('ZeroPadding', zeroPadding),
  ...ofEach('Cropping', cropping),
};
