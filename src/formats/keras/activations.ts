import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { longs, type Value } from '../../onnx/graph-builder.ts';
import { type Attributes, float, integer, text } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { type KerasTensor, toAxis } from './keras-tensor.ts';
import type { Layer } from './layer.ts';

type Settings = Readonly<Record<string, unknown>>;
type Activation = (layer: Layer, x: Value, settings: Settings) => Value;

const setting = (settings: Settings, name: string, otherwise: number): number =>
  typeof settings[name] === 'number' ? settings[name] : otherwise;

const node =
  (operator: string, attributes: Attributes = {}): Activation =>
  ({ graph }, x) =>
    graph.op(operator, [x], attributes);

/** `x` times another function of `x`. */
const gated =
  (gate: Activation): Activation =>
  (layer, x, settings) =>
    layer.graph.op('Mul', [x, gate(layer, x, settings)]);

export const clip = (layer: Layer, x: Value, from: number, to: number): Value =>
  layer.graph.op('Clip', [x, layer.scalar(from), layer.scalar(to)]);

const along =
  (operator: string): Activation =>
  ({ graph }, x, settings) =>
    graph.op(operator, [x], { axis: integer(setting(settings, 'axis', -1)) });

const SIXTH = float(1 / 6);
const hardSigmoid: Activation = (layer, x) =>
  layer.surroundings.origin.startsWith('Keras 2')
    ? layer.graph.op('HardSigmoid', [x], { alpha: float(0.2), beta: float(0.5) })
    : layer.graph.op('HardSigmoid', [x], { alpha: SIXTH, beta: float(0.5) });

/** (x + sqrt(x² + b)) / 2. */
const squareplus: Activation = (layer, x, settings) => {
  const inside = layer.graph.op('Add', [layer.graph.op('Mul', [x, x]), layer.scalar(setting(settings, 'b', 4))]);
  const sum = layer.graph.op('Add', [x, layer.graph.op('Sqrt', [inside])]);
  return layer.graph.op('Mul', [sum, layer.scalar(0.5)]);
};

/** 0 up to -1, x from 1 on, and a parabola between. */
const sparsePlus: Activation = (layer, x) => {
  const { graph } = layer;
  const shifted = clip(layer, graph.op('Add', [x, layer.scalar(1)]), 0, 2);
  const square = graph.op('Mul', [graph.op('Mul', [shifted, shifted]), layer.scalar(0.25)]);
  return graph.op('Where', [graph.op('GreaterOrEqual', [x, layer.scalar(1)]), x, square]);
};

/**
 * Sparsemax along the last axis, as Keras computes it. Its threshold adds the cumulated sums of all places that stay. The paper takes the last of
 * these sums (Martins and Astudillo, From Softmax to Sparsemax, algorithm 1).
 */
const sparsemax: Activation = (layer, x, settings) => {
  const { graph } = layer;
  if (setting(settings, 'axis', -1) !== -1) layer.refuse('activation "sparsemax" has another axis than the last');
  const last = graph.constant(longs([-1]));
  const size = graph.op('Shape', [x], { start: integer(-1) });
  const [sorted = ''] = graph.ops('TopK', 2, [x, size]);
  const sums = graph.op('CumSum', [sorted, last]);
  const ones = graph.op('Cast', [graph.op('Equal', [sorted, sorted])], { to: integer(DATA_TYPES.float32) });
  const places = graph.op('Mul', [graph.op('CumSum', [ones, last]), sorted]);
  const isInside = graph.op('Greater', [graph.op('Add', [places, layer.scalar(1)]), sums]);
  const inside = graph.op('Where', [isInside, sums, layer.scalar(0)]);
  const count = graph.op('ReduceSum', [graph.op('Where', [isInside, ones, layer.scalar(0)]), last]);
  const excess = graph.op('Sub', [graph.op('ReduceSum', [inside, last]), layer.scalar(1)]);
  return graph.op('Relu', [graph.op('Sub', [x, graph.op('Div', [excess, count])])]);
};

/** ReLU with its three settings, as Keras computes it. */
export const relu = (layer: Layer, x: Value, slope: number, most: number | undefined, threshold: number): Value => {
  const { graph } = layer;
  const above =
    threshold === 0
      ? graph.op('Relu', [x])
      : graph.op('Where', [graph.op('Greater', [x, layer.scalar(threshold)]), x, layer.scalar(0)]);
  const bounded = most === undefined ? above : clip(layer, above, 0, most);
  if (slope === 0) return bounded;
  const below = graph.op('Relu', [graph.op('Sub', [layer.scalar(threshold), x])]);
  return graph.op('Sub', [bounded, graph.op('Mul', [below, layer.scalar(slope)])]);
};

/** The first half of an axis, times the sigmoid of the second. */
const glu: Activation = ({ graph }, x, settings) => {
  const halves = { axis: integer(setting(settings, 'axis', -1)), num_outputs: integer(2) };
  const [first = '', second = ''] = graph.ops('Split', 2, [x], halves);
  return graph.op('Mul', [first, graph.op('Sigmoid', [second])]);
};

const silu = gated(node('Sigmoid'));

/** Activations by the names of Keras. Settings are those of a function that a model configures. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  celu: ({ graph }, x, settings) => graph.op('Celu', [x], { alpha: float(setting(settings, 'alpha', 1)) }),
  elu: ({ graph }, x, settings) => graph.op('Elu', [x], { alpha: float(setting(settings, 'alpha', 1)) }),
  exponential: node('Exp'),
  gelu: ({ graph }, x, { approximate }) =>
    graph.op('Gelu', [x], { approximate: text(approximate === true ? 'tanh' : 'none') }),
  glu,
  hard_shrink: ({ graph }, x, settings) =>
    graph.op('Shrink', [x], { lambd: float(setting(settings, 'threshold', 0.5)), bias: float(0) }),
  hard_sigmoid: hardSigmoid,
  hard_silu: gated(node('HardSigmoid', { alpha: SIXTH, beta: float(0.5) })),
  hard_tanh: (layer, x) => clip(layer, x, -1, 1),
  leaky_relu: ({ graph }, x, settings) =>
    graph.op('LeakyRelu', [x], { alpha: float(setting(settings, 'negative_slope', setting(settings, 'alpha', 0.2))) }),
  linear: (_, x) => x,
  log_sigmoid: ({ graph }, x) => graph.op('Neg', [graph.op('Softplus', [graph.op('Neg', [x])])]),
  log_softmax: along('LogSoftmax'),
  mish: node('Mish'),
  relu: (layer, x, settings) => {
    const most = typeof settings.max_value === 'number' ? settings.max_value : undefined;
    return relu(layer, x, setting(settings, 'negative_slope', 0), most, setting(settings, 'threshold', 0));
  },
  relu6: (layer, x) => clip(layer, x, 0, 6),
  selu: node('Selu'),
  sigmoid: node('Sigmoid'),
  silu,
  soft_shrink: ({ graph }, x, settings) => {
    const threshold = float(setting(settings, 'threshold', 0.5));
    return graph.op('Shrink', [x], { lambd: threshold, bias: threshold });
  },
  softmax: along('Softmax'),
  softplus: node('Softplus'),
  softsign: node('Softsign'),
  sparse_plus: sparsePlus,
  sparsemax,
  sparse_sigmoid: node('HardSigmoid', { alpha: float(0.5), beta: float(0.5) }),
  squareplus,
  swish: silu,
  tanh: node('Tanh'),
  tanh_shrink: ({ graph }, x) => graph.op('Sub', [x, graph.op('Tanh', [x])]),
};

/** The name of a setting that is an activation: a text, or an object of a function or a layer. */
export const activationName = (setting: unknown): string => {
  if (setting === undefined || setting === null) return 'linear';
  if (typeof setting === 'string') return setting;
  if (!isObject(setting)) return show(setting);
  if (setting.class_name === 'function' && typeof setting.config === 'string') return setting.config;
  const { config } = setting;
  const name = isObject(config) && setting.class_name === 'function' ? config.name : setting.class_name;
  return typeof name === 'string' ? name : show(setting);
};

const snakeCase = (name: string): string => name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();

/** The name of Keras' activation for a function or a class of operation, such as `HardSigmoid`; undefined when it is none. */
export const findActivation = (name: string): string | undefined =>
  [name, snakeCase(name)].find((each) => Object.hasOwn(ACTIVATIONS, each));

/** Activations along an axis, which is the last unless they are told another. */
const ALONG_AXIS: ReadonlySet<string> = new Set(['glu', 'log_softmax', 'softmax', 'sparsemax']);

export const isAlongAxis = (activation: unknown): boolean =>
  ALONG_AXIS.has(findActivation(activationName(activation)) ?? '');

/** Adds an activation that a layer names in its settings. */
export const activate = (layer: Layer, x: KerasTensor, activation: unknown, settings: Settings = {}): KerasTensor => {
  const name = activationName(activation);
  const own = isObject(activation) && isObject(activation.config) ? activation.config : settings;
  const known = findActivation(name);
  const convert = known === undefined ? undefined : ACTIVATIONS[known];
  if (convert === undefined)
    return layer.refuse(
      `activation ${show(name)} cannot be converted; use one of ${Object.keys(ACTIVATIONS).join(', ')}`,
    );
  const value = convert(layer, x.value, own);
  if (known !== 'glu') return { ...x, value };
  const axis = toAxis(setting(own, 'axis', -1), x.shape.length);
  const half = layer.fixed(x.shape, axis) / 2;
  return { ...x, value, shape: x.shape.map((size, at) => (at === axis ? half : size)) };
};
