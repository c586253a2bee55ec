import { type KerasTensor, toAxis } from '../keras-tensor.ts';
import type { Call, Converter, Converters, Layer } from '../layer.ts';
import { broadcast } from '../layers/merging.ts';
import { reduce } from '../layers/pooling.ts';
import { transpose } from '../layers/window.ts';
import { toBool } from './elementwise.ts';
import { numbersIn, operandOf, settingOf, toOperand } from './operands.ts';

export const reduceBy = (layer: Layer, call: Call, operator: string, x: KerasTensor): KerasTensor => {
  const axis = settingOf(layer, call, 'axis');
  const all = x.shape.map((_, index) => index);
  const axes = axis === undefined ? all : numbersIn(axis).map((each) => toAxis(each, x.shape.length));
  return reduce(layer, operator, x, axes, settingOf(layer, call, 'keepdims') === true);
};

const reduction =
  (operator: string): Converter =>
  (layer, call) =>
    reduceBy(layer, call, operator, operandOf(layer, call, 0));

/** Tells whether any element, or every one, is not 0. */
const quantified =
  (operator: 'ReduceMax' | 'ReduceMin'): Converter =>
  (layer, call) => {
    const x = toOperand(layer, toBool(layer, operandOf(layer, call, 0)));
    return toBool(layer, reduceBy(layer, call, operator, x));
  };

/** Rows and columns of matrices exchanged, when TensorFlow's argument for that is set. Real numbers are their own conjugates. */
const turned = (layer: Layer, call: Call, x: KerasTensor, side: 'a' | 'b'): KerasTensor => {
  if (settingOf(layer, call, `transpose_${side}`) !== true && settingOf(layer, call, `adjoint_${side}`) !== true)
    return x;
  const order = x.shape.map((_, axis) => axis);
  return transpose(layer, x, [...order.slice(0, -2), ...order.slice(-2).reverse()]);
};

const matmul: Converter = (layer, call) => {
  const operands = [operandOf(layer, call, 0), operandOf(layer, call, 1)] as const;
  if (operands.some(({ shape }) => shape.length < 2)) return layer.refuse('matmul of vectors cannot be converted');
  const [a, b] = [turned(layer, call, operands[0], 'a'), turned(layer, call, operands[1], 'b')];
  broadcast(layer, [a.shape.slice(-1), b.shape.slice(-2, -1)]);
  const batch = broadcast(layer, [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const value = layer.graph.op('MatMul', [a.value, b.value]);
  return { value, shape: [...batch, a.shape.at(-2) ?? null, b.shape.at(-1) ?? null], dtype: 'float32' };
};

/** Functions that make one number of many: along axes, or of the rows and columns of matrices. */
export const REDUCTIONS: Converters = {
  ...Object.fromEntries(['mean', 'reduce_mean'].map((name) => [name, reduction('ReduceMean')])),
  ...Object.fromEntries(['sum', 'reduce_sum'].map((name) => [name, reduction('ReduceSum')])),
  ...Object.fromEntries(['max', 'amax', 'reduce_max'].map((name) => [name, reduction('ReduceMax')])),
  ...Object.fromEntries(['min', 'amin', 'reduce_min'].map((name) => [name, reduction('ReduceMin')])),
  ...Object.fromEntries(['prod', 'reduce_prod'].map((name) => [name, reduction('ReduceProd')])),
  ...Object.fromEntries(['any', 'reduce_any'].map((name) => [name, quantified('ReduceMax')])),
  ...Object.fromEntries(['all', 'reduce_all'].map((name) => [name, quantified('ReduceMin')])),
  matmul,
};
