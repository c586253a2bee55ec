import { longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { formatShape, type Shape } from '../keras-tensor.ts';
import { type BuiltLayer, type Converter, type Converters, type Layer, toLayerConfig, unary } from '../layer.ts';
import { toCall } from '../model.ts';
import { stackWithin } from './stacked-cells.ts';
import { reshape } from './window.ts';

/** The sizes [N,T,…rest], where N and T are those of `like`. */
const withSteps = ({ graph }: Layer, value: Value, like: Value, rest: readonly number[]): Value => {
  const steps = graph.op('Slice', [graph.op('Shape', [like]), graph.constant(longs([0])), graph.constant(longs([2]))]);
  const sizes = graph.op('Concat', [steps, graph.constant(longs(rest))], { axis: integer(0) });
  return graph.op('Reshape', [value, sizes]);
};

const fixedSizes = (layer: Layer, sizes: Shape): number[] =>
  sizes.map((size) => size ?? layer.refuse(`the sizes ${formatShape(sizes)} behind the steps must be fixed`));

/** The layer that a wrapper wraps. The wrapper itself has `own` arrays of weights. */
const innerOf = (layer: Layer, own: number): BuiltLayer => {
  const { origin } = layer.surroundings;
  const config = toLayerConfig(layer.find('layer'), origin);
  const cells = stackWithin(config, origin).map(({ className }) => className);
  return layer.wrapped(config, cells, own);
};

/** A kernel is divided by its largest singular value while a model is trained, and stays as it is afterwards. */
const spectralNormalization: Converter = (layer, call) => innerOf(layer, 1).call(call);

/** The layer for each step: steps become rows of a batch, and are parted again. */
const timeDistributed = unary((layer, input) => {
  const inner = innerOf(layer, 0);
  const rest = fixedSizes(layer, input.shape.slice(2));
  const rows = { value: reshape(layer, input.value, [-1, ...rest]), shape: [null, ...rest], dtype: input.dtype };
  const [output, ...others] = inner.call(toCall([rows]));
  if (output === undefined || others.length > 0) return layer.refuse('the layer in it has several outputs');
  const sizes = fixedSizes(layer, output.shape.slice(1));
  return {
    ...output,
    value: withSteps(layer, output.value, input.value, sizes),
    shape: [...input.shape.slice(0, 2), ...sizes],
    ...(input.mask !== undefined && { mask: input.mask }),
  };
});

export const WRAPPERS: Converters = {
  TimeDistributed: timeDistributed,
  SpectralNormalization: spectralNormalization,
};
