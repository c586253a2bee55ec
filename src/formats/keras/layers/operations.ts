import { isObject } from '../../../core/is-object.ts';
import { show } from '../../../core/show.ts';
import { longs, singles } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import { activate, findActivation } from '../activations.ts';
import { isTensor } from '../calls.ts';
import { type KerasTensor, type Shape, toAxis } from '../keras-tensor.ts';
import type { Call, Converter, Layer } from '../layer.ts';
import { broadcast, concatenate } from './merging.ts';
import { reduce } from './pooling.ts';
import { getItem, toSizes } from './shapes.ts';
import { transpose } from './window.ts';

/** The names of the operands of a function, in both libraries. */
const OPERANDS = [
  ['x', 'x1', 'a', 'input', 'inputs', 'tensor', 'input_tensor', 'values', 'xs', 'features', 'logits', 't'],
  ['y', 'x2', 'b'],
] as const;

const numbersIn = (value: unknown): number[] =>
  Array.isArray(value) ? value.flatMap(numbersIn) : typeof value === 'number' ? [value] : [Number.NaN];

const shapeOf = (value: unknown): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []);

/** A tensor, a number, or an array that the file of the model holds. */
const toOperand = (layer: Layer, value: unknown): KerasTensor => {
  if (isTensor(value)) {
    if (value.dtype === 'float32') return value;
    return {
      ...value,
      value: layer.graph.op('Cast', [value.value], { to: integer(DATA_TYPES.float32) }),
      dtype: 'float32',
    };
  }
  const plain: unknown = isObject(value) && isObject(value.config) ? value.config.value : value;
  const numbers = numbersIn(plain);
  const shape = shapeOf(plain);
  const count = shape.reduce((product, size) => product * size, 1);
  if (numbers.some(Number.isNaN) || numbers.length !== count)
    return layer.refuse(`operand ${show(value)} is no number`);
  return { value: layer.graph.constant(singles(shape, numbers)), shape, dtype: 'float32' };
};

const operandOf = (layer: Layer, { positional, named }: Call, index: 0 | 1): KerasTensor => {
  const key = OPERANDS[index].find((name) => named[name] !== undefined && named[name] !== null);
  return toOperand(layer, positional[index] ?? (key === undefined ? undefined : named[key]));
};

/** A setting of the operation, or an argument of the call, by any of its names. */
const settingOf = (layer: Layer, { named }: Call, ...names: readonly string[]): unknown => {
  const key = names.find((name) => named[name] !== undefined && named[name] !== null);
  return key === undefined ? layer.find(...names) : named[key];
};

const combine = (layer: Layer, operator: string, operands: readonly KerasTensor[]): KerasTensor => {
  const values = operands.map((operand) => operand.value);
  const shapes = operands.map(({ shape }) => shape);
  return { value: layer.graph.op(operator, values), shape: broadcast(layer, shapes), dtype: 'float32' };
};

const operandsOf = (layer: Layer, call: Call): readonly KerasTensor[] => [
  operandOf(layer, call, 0),
  operandOf(layer, call, 1),
];

const binary =
  (operator: string): Converter =>
  (layer, call) =>
    combine(layer, operator, operandsOf(layer, call));

const toBool = ({ graph }: Layer, x: KerasTensor): KerasTensor => ({
  ...x,
  value: graph.op('Cast', [x.value], { to: integer(DATA_TYPES.bool) }),
  dtype: 'bool',
});

const comparison =
  (operator: string, isNegated = false): Converter =>
  (layer, call) => {
    const compared = combine(layer, operator, operandsOf(layer, call));
    return { ...compared, value: isNegated ? layer.graph.op('Not', [compared.value]) : compared.value, dtype: 'bool' };
  };

const logical =
  (operator: string): Converter =>
  (layer, call) => ({
    ...combine(
      layer,
      operator,
      operandsOf(layer, call).map((operand) => toBool(layer, operand)),
    ),
    dtype: 'bool',
  });

const logicalNot: Converter = (layer, call) => {
  const x = toBool(layer, operandOf(layer, call, 0));
  return { ...x, value: layer.graph.op('Not', [x.value]) };
};

/** Tells whether any element, or every one, is not 0. */
const quantified =
  (operator: 'ReduceMax' | 'ReduceMin'): Converter =>
  (layer, call) => {
    const x = toOperand(layer, toBool(layer, operandOf(layer, call, 0)));
    return toBool(layer, reduceBy(layer, call, operator, x));
  };

/** A tensor of one number in the shape of another. */
const like =
  (number: number): Converter =>
  (layer, call) => {
    const x = operandOf(layer, call, 0);
    const zeros = layer.graph.op('Mul', [x.value, layer.scalar(0)]);
    return { ...x, value: number === 0 ? zeros : layer.graph.op('Add', [zeros, layer.scalar(number)]) };
  };

const single =
  (...operators: readonly string[]): Converter =>
  (layer, call) => {
    const x = operandOf(layer, call, 0);
    return { ...x, value: operators.reduce((value, operator) => layer.graph.op(operator, [value]), x.value) };
  };

const reduceBy = (layer: Layer, call: Call, operator: string, x: KerasTensor): KerasTensor => {
  const axis = settingOf(layer, call, 'axis');
  const all = x.shape.map((_, index) => index);
  const axes = axis === undefined ? all : numbersIn(axis).map((each) => toAxis(each, x.shape.length));
  return reduce(layer, operator, x, axes, settingOf(layer, call, 'keepdims') === true);
};

const reduction =
  (operator: string): Converter =>
  (layer, call) =>
    reduceBy(layer, call, operator, operandOf(layer, call, 0));

const matmul: Converter = (layer, call) => {
  const [a, b] = [operandOf(layer, call, 0), operandOf(layer, call, 1)];
  if (settingOf(layer, call, 'transpose_a', 'transpose_b', 'adjoint_a', 'adjoint_b') === true)
    layer.refuse('matmul with a transposed operand cannot be converted');
  if (a.shape.length < 2 || b.shape.length < 2) return layer.refuse('matmul of vectors cannot be converted');
  const batch = broadcast(layer, [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const value = layer.graph.op('MatMul', [a.value, b.value]);
  return { value, shape: [...batch, a.shape.at(-2) ?? null, b.shape.at(-1) ?? null], dtype: 'float32' };
};

const tensorOf = (layer: Layer, call: Call): KerasTensor => {
  const [input] = call.inputs;
  return input ?? operandOf(layer, call, 0);
};

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

const clipped: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  const bounds = [
    settingOf(layer, call, 'x_min', 'clip_value_min', 'min_value'),
    settingOf(layer, call, 'x_max', 'clip_value_max', 'max_value'),
  ];
  const values = bounds.map((bound) => (typeof bound === 'number' ? layer.scalar(bound) : ''));
  return { ...x, value: layer.graph.op('Clip', [x.value, ...values]) };
};

/** Every type of number is float32 here. An integer is rounded towards zero. */
const cast: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  const dtype = String(settingOf(layer, call, 'dtype') ?? 'float32');
  if (dtype.includes('float')) return x;
  if (dtype === 'bool') return toBool(layer, x);
  if (!/^u?int\d+$/.test(dtype)) return layer.refuse(`a cast to ${show(dtype)} cannot be converted`);
  return { ...x, value: layer.graph.op('Cast', [x.value], { to: integer(DATA_TYPES.int64) }), dtype: 'int64' };
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

/** Functions by their names in `keras.ops` and in TensorFlow. */
const OPERATIONS: Readonly<Record<string, Converter>> = {
  ...Object.fromEntries(['add', 'add_v2'].map((name) => [name, binary('Add')])),
  ...Object.fromEntries(['subtract', 'sub'].map((name) => [name, binary('Sub')])),
  ...Object.fromEntries(['multiply', 'mul'].map((name) => [name, binary('Mul')])),
  ...Object.fromEntries(['divide', 'true_divide', 'truediv', 'div'].map((name) => [name, binary('Div')])),
  ...Object.fromEntries(['power', 'pow'].map((name) => [name, binary('Pow')])),
  maximum: binary('Max'),
  minimum: binary('Min'),
  ...Object.fromEntries(['negative', 'neg'].map((name) => [name, single('Neg')])),
  ...Object.fromEntries(['absolute', 'abs'].map((name) => [name, single('Abs')])),
  square: (layer, call) => {
    const x = operandOf(layer, call, 0);
    return { ...x, value: layer.graph.op('Mul', [x.value, x.value]) };
  },
  sqrt: single('Sqrt'),
  rsqrt: single('Sqrt', 'Reciprocal'),
  reciprocal: single('Reciprocal'),
  exp: single('Exp'),
  log: single('Log'),
  sin: single('Sin'),
  cos: single('Cos'),
  erf: single('Erf'),
  sign: single('Sign'),
  floor: single('Floor'),
  ceil: single('Ceil'),
  ...Object.fromEntries(['mean', 'reduce_mean'].map((name) => [name, reduction('ReduceMean')])),
  ...Object.fromEntries(['sum', 'reduce_sum'].map((name) => [name, reduction('ReduceSum')])),
  ...Object.fromEntries(['max', 'amax', 'reduce_max'].map((name) => [name, reduction('ReduceMax')])),
  ...Object.fromEntries(['min', 'amin', 'reduce_min'].map((name) => [name, reduction('ReduceMin')])),
  ...Object.fromEntries(['prod', 'reduce_prod'].map((name) => [name, reduction('ReduceProd')])),
  equal: comparison('Equal'),
  not_equal: comparison('Equal', true),
  greater: comparison('Greater'),
  greater_equal: comparison('GreaterOrEqual'),
  less: comparison('Less'),
  less_equal: comparison('LessOrEqual'),
  logical_and: logical('And'),
  logical_or: logical('Or'),
  logical_not: logicalNot,
  any: quantified('ReduceMax'),
  all: quantified('ReduceMin'),
  zeros_like: like(0),
  ones_like: like(1),
  matmul,
  reshape: reshaped,
  transpose: transposed,
  swapaxes: swapped,
  expand_dims: expandDims,
  squeeze,
  ...Object.fromEntries(['concatenate', 'concat'].map((name) => [name, concatenated])),
  stack: stacked,
  ...Object.fromEntries(['clip', 'clip_by_value'].map((name) => [name, clipped])),
  cast,
  ...Object.fromEntries(['get_item', 'getitem'].map((name) => [name, item])),
  ...Object.fromEntries(['identity', 'stop_gradient'].map((name) => [name, same])),
};

const toSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** The name of a function: the class of an operation of Keras 3, or `math.add` of TensorFlow. */
const functionOf = (layer: Layer): string => {
  const { className, config } = layer.config;
  const name = className.endsWith('OpLambda') ? String(config.function ?? '') : className;
  return toSnake(name.split('.').at(-1) ?? '');
};

/** An operation that a model calls as a function, without a layer. */
export const operation: Converter = (layer, call) => {
  const name = functionOf(layer);
  const convert = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (convert !== undefined) return convert(layer, call);
  if (findActivation(name) === undefined)
    return layer.refuse(`operation ${show(name)} cannot be converted; use a layer in its place`);
  const x = operandOf(layer, call, 0);
  return { ...x, value: activate(layer, x.value, name, { ...layer.config.config, ...call.named }) };
};
