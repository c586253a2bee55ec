import { isObject } from '../../../core/is-object.ts';
import { show } from '../../../core/show.ts';
import { singles } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import { isTensor } from '../calls.ts';
import { type KerasTensor, toAxis } from '../keras-tensor.ts';
import type { Call, Layer } from '../layer.ts';

/** The names of the operands of a function, in both libraries. */
const OPERANDS = [
  ['x', 'x1', 'a', 'input', 'inputs', 'tensor', 'input_tensor', 'values', 'xs', 'features', 'logits', 't'],
  ['y', 'x2', 'b'],
] as const;

export const numbersIn = (value: unknown): number[] =>
  Array.isArray(value) ? value.flatMap(numbersIn) : typeof value === 'number' ? [value] : [Number.NaN];

const shapeOf = (value: unknown): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []);

/** A tensor, a number, or an array that the file of the model holds. */
export const toOperand = (layer: Layer, value: unknown): KerasTensor => {
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

export const operandOf = (layer: Layer, { positional, named }: Call, index: 0 | 1): KerasTensor => {
  const key = OPERANDS[index].find((name) => named[name] !== undefined && named[name] !== null);
  return toOperand(layer, positional[index] ?? (key === undefined ? undefined : named[key]));
};

/** The operand at any place, or by any of its names. */
export const namedOperand = (layer: Layer, { positional, named }: Call, at: number, ...names: readonly string[]) =>
  toOperand(layer, positional[at] ?? named[names.find((name) => named[name] !== undefined) ?? '']);

/** The axis that a function names, from the front. */
export const axisOf = (layer: Layer, call: Call, { shape }: KerasTensor): number => {
  const axis = settingOf(layer, call, 'axis') ?? -1;
  return typeof axis === 'number' ? toAxis(axis, shape.length) : layer.refuse(`axis is ${show(axis)}, expected one`);
};

/** A setting of the operation, or an argument of the call, by any of its names. */
export const settingOf = (layer: Layer, { named }: Call, ...names: readonly string[]): unknown => {
  const key = names.find((name) => named[name] !== undefined && named[name] !== null);
  return key === undefined ? layer.find(...names) : named[key];
};

/** The tensor of a function that has one. */
export const tensorOf = (layer: Layer, call: Call): KerasTensor => {
  const [input] = call.inputs;
  return input ?? operandOf(layer, call, 0);
};
