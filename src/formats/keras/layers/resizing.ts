import { longs, singles } from '../../../onnx/graph-builder.ts';
import { type Attributes, text } from '../../../onnx/node.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import { type Converter, type Converters, type Layer, unary } from '../layer.ts';
import { withChannelsFirst, withSpace } from './window.ts';

/** Pixels lie at the centres of their areas, as in TensorFlow 2 and JAX. */
const INTERPOLATIONS: Readonly<Record<'nearest' | 'bilinear', Attributes>> = {
  nearest: {
    mode: text('nearest'),
    coordinate_transformation_mode: text('half_pixel'),
    nearest_mode: text('round_prefer_ceil'),
  },
  bilinear: { mode: text('linear'), coordinate_transformation_mode: text('half_pixel') },
};

const resize = (layer: Layer, x: KerasTensor, inputs: readonly string[], attributes: Attributes): string =>
  layer.graph.op('Resize', [x.value, '', ...inputs], attributes);

const upSampling = (axes: number): Converter =>
  unary((layer, input) => {
    const factors = layer.integers('size', axes, 2);
    const interpolation = INTERPOLATIONS[layer.choice('interpolation', ['nearest', 'bilinear'])];
    return withChannelsFirst(layer, input, axes + 2, (x) => ({
      ...x,
      value: resize(layer, x, [layer.graph.constant(singles([axes + 2], [1, 1, ...factors]))], interpolation),
      shape: withSpace(x.shape, x.shape[1] ?? null, (size, axis) =>
        size === null ? null : size * (factors[axis] ?? 1),
      ),
    }));
  });

/** The sizes of batch and channels are read from the tensor, since ONNX asks for all sizes. */
const resizing = unary((layer, input) => {
  const { graph } = layer;
  const sizes = [layer.number('height'), layer.number('width')];
  if (layer.flag('crop_to_aspect_ratio') || layer.flag('pad_to_aspect_ratio') || layer.flag('antialias'))
    layer.refuse('crop_to_aspect_ratio, pad_to_aspect_ratio and antialias cannot be converted');
  const interpolation = INTERPOLATIONS[layer.choice('interpolation', ['bilinear', 'nearest'])];
  return withChannelsFirst(layer, input, 4, (x) => {
    const shape = graph.op('Shape', [x.value]);
    const kept = graph.op('Slice', [shape, graph.constant(longs([0])), graph.constant(longs([2]))]);
    const target = graph.op('Concat', [kept, graph.constant(longs(sizes))], { axis: { type: 'integer', value: 0 } });
    return {
      ...x,
      value: resize(layer, x, ['', target], interpolation),
      shape: withSpace(x.shape, x.shape[1] ?? null, (_, axis) => sizes[axis] ?? null),
    };
  });
});

/** Keras crops the middle; an image that is smaller would be resized first. */
const centerCrop = unary((layer, input) => {
  const { graph } = layer;
  const sizes = [layer.number('height'), layer.number('width')];
  const first = layer.find('data_format') === 'channels_first' ? 2 : 1;
  const starts = sizes.map((size, axis) => {
    const room = layer.fixed(input.shape, first + axis) - size;
    return room >= 0 ? Math.floor(room / 2) : layer.refuse(`its input is smaller than ${sizes.join('×')}`);
  });
  const ends = starts.map((start, axis) => start + (sizes[axis] ?? 0));
  const bounds = [starts, ends, [first, first + 1]].map((values) => graph.constant(longs(values)));
  const shape = input.shape.map((size, axis) => sizes[axis - first] ?? size);
  return { value: graph.op('Slice', [input.value, ...bounds]), shape, dtype: input.dtype };
});

export const RESIZINGS: Converters = {
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  UpSampling3D: upSampling(3),
  Resizing: resizing,
  CenterCrop: centerCrop,
};
