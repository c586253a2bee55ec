import { longs, singles } from '../../../onnx/graph-builder.ts';
import { type Attributes, float, integer, text } from '../../../onnx/node.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { spaceOf, withChannelsFirst, withSpace } from './window.ts';

/** Pixels lie at the centres of their areas, as in TensorFlow 2 and JAX. */
const INTERPOLATIONS: Readonly<Record<'nearest' | 'bilinear' | 'bicubic', Attributes>> = {
  nearest: {
    mode: text('nearest'),
    coordinate_transformation_mode: text('half_pixel'),
    nearest_mode: text('round_prefer_ceil'),
  },
  bilinear: { mode: text('linear'), coordinate_transformation_mode: text('half_pixel') },
  bicubic: {
    mode: text('cubic'),
    coordinate_transformation_mode: text('half_pixel'),
    cubic_coeff_a: float(-0.5),
    exclude_outside: integer(1),
  },
};

const resize = (layer: Layer, x: KerasTensor, inputs: readonly string[], attributes: Attributes): string =>
  layer.graph.op('Resize', [x.value, '', ...inputs], attributes);

/** Steps between two pixels for which TensorFlow has the weights of a bicubic interpolation. */
const TABLE_STEPS = 1024;

/** The new pixels of a factor lie at odd multiples of half its reciprocal, which a table of Keras 2 must have. */
const refuseRounded = (layer: Layer, factors: readonly number[]): void => {
  const isRounded = factors.some((factor) => factor !== 1 && TABLE_STEPS % (2 * factor) !== 0);
  if (isRounded && layer.surroundings.origin.startsWith('Keras 2'))
    layer.refuse('Keras 2 rounds the weights of bicubic, unless its factors are powers of two; use one, or bilinear');
};

const upSampling = (axes: number): Converter =>
  unary((layer, input) => {
    const factors = layer.integers('size', axes, 2);
    const mode = layer.choice('interpolation', ['nearest', 'bilinear', 'bicubic']);
    if (mode === 'bicubic') refuseRounded(layer, factors);
    const interpolation = INTERPOLATIONS[mode];
    return withChannelsFirst(layer, input, axes + 2, (x) => ({
      ...x,
      value: resize(layer, x, [layer.graph.constant(singles([axes + 2], [1, 1, ...factors]))], interpolation),
      shape: withSpace(x.shape, x.shape[1] ?? null, (size, axis) =>
        size === null ? null : size * (factors[axis] ?? 1),
      ),
    }));
  });

/** Resizes the axes of space. The sizes of batch and channels are read from the tensor, since ONNX asks for all sizes. */
const resizeTo = (layer: Layer, input: KerasTensor, sizes: readonly number[], interpolation: Attributes): KerasTensor =>
  withChannelsFirst(layer, input, 4, (x) => {
    const { graph } = layer;
    const shape = graph.op('Shape', [x.value]);
    const kept = graph.op('Slice', [shape, graph.constant(longs([0])), graph.constant(longs([2]))]);
    const target = graph.op('Concat', [kept, graph.constant(longs(sizes))], { axis: integer(0) });
    return {
      ...x,
      value: resize(layer, x, ['', target], interpolation),
      shape: withSpace(x.shape, x.shape[1] ?? null, (_, axis) => sizes[axis] ?? null),
    };
  });

/** The middle of an image, of these sizes. */
const crop = (layer: Layer, input: KerasTensor, sizes: readonly number[]): KerasTensor => {
  const space = spaceOf(layer, 4);
  const starts = sizes.map((size, axis) => Math.floor((layer.fixed(input.shape, space[axis] ?? 0) - size) / 2));
  const ends = starts.map((start, axis) => start + (sizes[axis] ?? 0));
  const bounds = [starts, ends, space].map((values) => layer.graph.constant(longs(values)));
  const shape = input.shape.map((size, axis) => sizes[space.indexOf(axis)] ?? size);
  return { value: layer.graph.op('Slice', [input.value, ...bounds]), shape, dtype: input.dtype };
};

/** The middle of an image that has the proportions of `sizes`. */
const cropToProportions = (
  layer: Layer,
  input: KerasTensor,
  [height = 1, width = 1]: readonly number[],
): KerasTensor => {
  const [rows = 0, columns = 0] = spaceOf(layer, 4).map((axis) => layer.fixed(input.shape, axis));
  const kept = [Math.floor((columns * height) / width), Math.floor((rows * width) / height)];
  return crop(layer, input, [Math.min(rows, kept[0] ?? rows), Math.min(columns, kept[1] ?? columns)]);
};

const sizesOf = (layer: Layer): readonly number[] => [layer.number('height'), layer.number('width')];

const resizing = unary((layer, input) => {
  if (layer.flag('pad_to_aspect_ratio') || layer.flag('antialias'))
    layer.refuse('pad_to_aspect_ratio and antialias cannot be converted; resize the images before they are sent');
  const sizes = sizesOf(layer);
  const cropped = layer.flag('crop_to_aspect_ratio') ? cropToProportions(layer, input, sizes) : input;
  return resizeTo(layer, cropped, sizes, INTERPOLATIONS[layer.choice('interpolation', ['bilinear', 'nearest'])]);
});

/** The middle of an image that has the right proportions, resized. */
const smartResize = (layer: Layer, input: KerasTensor): KerasTensor => {
  const sizes = sizesOf(layer);
  return resizeTo(layer, cropToProportions(layer, input, sizes), sizes, INTERPOLATIONS.bilinear);
};

/** Keras crops the middle, and resizes an image that is smaller. */
const centerCrop = unary((layer, input) => {
  const sizes = sizesOf(layer);
  const fits = spaceOf(layer, 4).every((axis, index) => layer.fixed(input.shape, axis) >= (sizes[index] ?? 0));
  return fits ? crop(layer, input, sizes) : smartResize(layer, input);
});

const randomCrop = unary((layer, input) =>
  layer.surroundings.origin.startsWith('Keras 2')
    ? smartResize(layer, input)
    : layer.refuse('versions of Keras 3 predict with it in different ways; replace it by CenterCrop or Resizing'),
);

export const RESIZINGS: Converters = {
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  UpSampling3D: upSampling(3),
  Resizing: resizing,
  CenterCrop: centerCrop,
  RandomCrop: randomCrop,
};
