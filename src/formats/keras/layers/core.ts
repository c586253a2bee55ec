import { longs } from '../../../onnx/graph-builder.ts';
import { float, integer, text } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import { activate } from '../activations.ts';
import { type Converter, type Converters, unary } from '../layer.ts';

const dense = unary((layer, input) => {
  const { graph } = layer;
  const units = layer.number('units');
  if (layer.find('lora_rank') !== undefined) layer.refuse('it has LoRA weights; merge them before it is saved');
  if (layer.find('quantization_config') !== undefined) layer.refuse('it is quantized; save it before it is quantized');
  const product = graph.op('MatMul', [input.value, layer.weight([layer.fixed(input.shape, -1), units], 'kernel')]);
  const sum = layer.flag('use_bias', true) ? graph.op('Add', [product, layer.weight([units], 'bias')]) : product;
  const output = { ...input, value: sum, shape: [...input.shape.slice(0, -1), units] };
  return activate(layer, output, layer.find('activation'));
});

/** A vector for each integer, and the mask of those that are not 0. */
const embedding = unary((layer, input) => {
  const { graph } = layer;
  const [rows, width] = [layer.number('input_dim'), layer.number('output_dim')];
  const indices = graph.op('Cast', [input.value], { to: integer(DATA_TYPES.int64) });
  const value = graph.op('Gather', [layer.weight([rows, width], 'embeddings'), indices]);
  const output = { value, shape: [...input.shape, width], dtype: 'float32' as const };
  if (!layer.flag('mask_zero')) return output;
  const isZero = graph.op('Equal', [indices, graph.constant(longs([0]))]);
  return { ...output, mask: graph.op('Not', [isZero]) };
});

/** The product of two tensors and weights by an equation such as `abc,cd->abd`, whose second part is the kernel. */
const einsumDense = unary((layer, input) => {
  const { graph } = layer;
  const equation = layer.find('equation');
  const asked = layer.find('output_shape');
  if (typeof equation !== 'string') return layer.refuse('it has no equation');
  const [terms = '', result = ''] = equation.replaceAll(' ', '').split('->');
  const [from = '', kernel = ''] = terms.split(',');
  const letters = [from, kernel, result].join('');
  if (letters.includes('.')) layer.refuse(`equation ${equation} has dots, and only letters can be converted`);
  const sizes = new Map([...from].map((letter, axis) => [letter, input.shape[axis] ?? null]));
  const outer = Array.isArray(asked) ? asked : [asked];
  const tail = [...result].slice(-outer.length);
  for (const [axis, letter] of tail.entries()) {
    const size: unknown = outer[axis];
    if (typeof size === 'number') sizes.set(letter, size);
  }
  const weights = layer.weight(
    [...kernel].map((letter) => sizes.get(letter) ?? null),
    'kernel',
  );
  const shape = [...result].map((letter) => sizes.get(letter) ?? null);
  let value = graph.op('Einsum', [input.value, weights], { equation: text(`${from},${kernel}->${result}`) });
  const biasAxes = layer.find('bias_axes');
  if (typeof biasAxes === 'string') {
    const first = Math.min(...[...biasAxes].map((letter) => result.indexOf(letter)));
    const bias = [...result]
      .slice(first)
      .map((letter) => (biasAxes.includes(letter) ? (sizes.get(letter) ?? null) : 1));
    value = graph.op('Add', [value, layer.weight(bias, 'bias')]);
  }
  return activate(layer, { ...input, value, shape }, layer.find('activation'));
});

const activation = unary((layer, input) => activate(layer, input, layer.find('activation')));

/** A layer of the name of an activation, with its settings. */
const named = (name: string): Converter => unary((layer, input) => activate(layer, input, name, layer.config.config));

/** Slopes are shared along the axes of size 1. */
const prelu = unary((layer, input) => {
  const shared = layer.find('shared_axes');
  const axes: readonly unknown[] = Array.isArray(shared) ? shared : [];
  const shape = input.shape.slice(1).map((size, axis) => (axes.includes(axis + 1) ? 1 : size));
  return { ...input, value: layer.graph.op('PRelu', [input.value, layer.weight(shape, 'alpha')]) };
});

const softmax = unary((layer, input) => {
  const axis = layer.find('axis') ?? -1;
  if (input.mask !== undefined) layer.refuse('it has a mask, which cannot be converted here');
  if (typeof axis !== 'number') return layer.refuse('it has several axes, and only one can be converted');
  return { ...input, value: layer.graph.op('Softmax', [input.value], { axis: integer(axis) }) };
});

const thresholdedRelu = unary((layer, input) => ({
  ...input,
  value: layer.graph.op('ThresholdedRelu', [input.value], { alpha: float(layer.number('theta', 1)) }),
}));

/** Steps of which every feature is `mask_value` are 0, and do not count. */
const masking = unary((layer, input) => {
  const { graph } = layer;
  const differs = graph.op('Not', [graph.op('Equal', [input.value, layer.scalar(layer.number('mask_value', 0))])]);
  const counts = graph.op('Cast', [differs], { to: integer(DATA_TYPES.float32) });
  const axis = graph.constant(longs([-1]));
  const any = graph.op('ReduceMax', [counts, axis], { keepdims: integer(1) });
  const mask = graph.op('Cast', [graph.op('Squeeze', [any, axis])], { to: integer(DATA_TYPES.bool) });
  return { ...input, value: graph.op('Mul', [input.value, any]), mask };
});

const identity = unary((_, input) => input);

/** Layers that do nothing but while a model is trained. */
const ONLY_TRAINING = [
  ...['Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D', 'AlphaDropout', 'GaussianDropout'],
  ...['GaussianNoise', 'ActivityRegularization', 'Identity', 'RandomFlip', 'RandomRotation', 'RandomZoom'],
  ...['RandomTranslation', 'RandomContrast', 'RandomBrightness', 'RandomShear', 'RandomPerspective', 'RandomErasing'],
  ...['RandomHue', 'RandomSaturation', 'RandomSharpness', 'RandomColorJitter', 'RandomGaussianBlur', 'RandomHeight'],
  ...['RandomWidth', 'RandomGrayscale', 'RandomInvert', 'RandomPosterization', 'RandomColorDegeneration'],
  ...['AugMix', 'CutMix', 'MixUp', 'RandAugment', 'RandomElasticTransform'],
];

export const CORE: Converters = {
  Dense: dense,
  EinsumDense: einsumDense,
  Embedding: embedding,
  Activation: activation,
  ReLU: named('relu'),
  LeakyReLU: unary((layer, input) => {
    const settings = { negative_slope: layer.number('negative_slope', layer.number('alpha', 0.3)) };
    return activate(layer, input, 'leaky_relu', settings);
  }),
  ELU: named('elu'),
  PReLU: prelu,
  Softmax: softmax,
  ThresholdedReLU: thresholdedRelu,
  Masking: masking,
  ...Object.fromEntries(ONLY_TRAINING.map((name) => [name, identity])),
};
