import { show } from '../../../core/show.ts';
import { integer } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import type { Call, Converter, Converters, Layer } from '../layer.ts';
import { broadcast } from '../layers/merging.ts';
import { namedOperand, operandOf, settingOf } from './operands.ts';

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

export const toBool = ({ graph }: Layer, x: KerasTensor): KerasTensor => ({
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

const toBound = (layer: Layer, bound: unknown): string => {
  if (bound === undefined) return '';
  return typeof bound === 'number'
    ? layer.scalar(bound)
    : layer.refuse('a clip by a tensor or a list cannot be converted; use numbers');
};

const clipped: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  const bounds = [
    settingOf(layer, call, 'x_min', 'clip_value_min', 'min_value'),
    settingOf(layer, call, 'x_max', 'clip_value_max', 'max_value'),
  ];
  const values = bounds.map((bound) => toBound(layer, bound));
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

/** Elements of one tensor where a condition holds, and of another elsewhere. */
const where: Converter = (layer, call) => {
  const condition = toBool(layer, namedOperand(layer, call, 0, 'condition'));
  const [x, y] = [namedOperand(layer, call, 1, 'x1', 'x'), namedOperand(layer, call, 2, 'x2', 'y')];
  return combine(layer, 'Where', [condition, x, y]);
};

/** log(x + 1). */
const log1p: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  return { ...x, value: layer.graph.op('Log', [layer.graph.op('Add', [x.value, layer.scalar(1)])]) };
};

/** e^x - 1. */
const expm1: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  return { ...x, value: layer.graph.op('Sub', [layer.graph.op('Exp', [x.value]), layer.scalar(1)]) };
};

/** Functions that compute each element alone. */
export const ELEMENTWISE: Converters = {
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
  log1p,
  expm1,
  round: single('Round'),
  ...Object.fromEntries(['where', 'where_v2'].map((name) => [name, where])),
  sin: single('Sin'),
  tan: single('Tan'),
  arctan: single('Atan'),
  atan: single('Atan'),
  sinh: single('Sinh'),
  cosh: single('Cosh'),
  cos: single('Cos'),
  erf: single('Erf'),
  sign: single('Sign'),
  floor: single('Floor'),
  ceil: single('Ceil'),
  equal: comparison('Equal'),
  not_equal: comparison('Equal', true),
  greater: comparison('Greater'),
  greater_equal: comparison('GreaterOrEqual'),
  less: comparison('Less'),
  less_equal: comparison('LessOrEqual'),
  logical_and: logical('And'),
  logical_or: logical('Or'),
  logical_not: logicalNot,
  zeros_like: like(0),
  ones_like: like(1),
  ...Object.fromEntries(['clip', 'clip_by_value'].map((name) => [name, clipped])),
  cast,
};
