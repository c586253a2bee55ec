import { show } from '../../../core/show.ts';
import { longs, type Value } from '../../../onnx/graph-builder.ts';
import { text } from '../../../onnx/node.ts';
import { type KerasTensor, toAxis } from '../keras-tensor.ts';
import type { Call, Converter, Converters, Layer } from '../layer.ts';
import { reduce } from '../layers/pooling.ts';
import { axisOf, numbersIn, operandOf, settingOf, toOperand } from './operands.ts';
import { reduceBy } from './reductions.ts';

/** The axes that a function names, without which it would take all. */
const axesOf = (layer: Layer, call: Call, { shape }: KerasTensor): readonly number[] => {
  const axis = settingOf(layer, call, 'axis') ?? layer.refuse('without an axis it computes over the batch, too');
  return numbersIn(axis).map((each) => toAxis(each, shape.length));
};

/** The mean of the squares of differences from the mean. */
const variance: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  const mean = reduce(layer, 'ReduceMean', x, axesOf(layer, call, x), true).value;
  const centred = layer.graph.op('Sub', [x.value, mean]);
  return reduceBy(layer, call, 'ReduceMean', { ...x, value: layer.graph.op('Mul', [centred, centred]) });
};

const deviation: Converter = (layer, call) => {
  const all = [variance(layer, call)].flat();
  return all.map((each) => ({ ...each, value: layer.graph.op('Sqrt', [each.value]) }));
};

/** log(sum(e^x)), from differences from the largest, so that nothing overflows. */
const logSumExp: Converter = (layer, call) => {
  const { graph } = layer;
  const x = operandOf(layer, call, 0);
  const axes = axesOf(layer, call, x);
  const largest = reduce(layer, 'ReduceMax', x, axes, true).value;
  const powers = graph.op('Exp', [graph.op('Sub', [x.value, largest])]);
  const sum = reduceBy(layer, call, 'ReduceSum', { ...x, value: powers });
  const most = reduceBy(layer, call, 'ReduceMax', x).value;
  return { ...sum, value: graph.op('Add', [graph.op('Log', [sum.value]), most]) };
};

/** The length of vectors. */
const norm: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  const order = settingOf(layer, call, 'ord') ?? 2;
  if (order !== 2 && order !== 'euclidean') return layer.refuse(`norm of order ${show(order)} cannot be converted`);
  if (axesOf(layer, call, x).length !== 1) return layer.refuse('the norm of a matrix cannot be converted');
  return reduceBy(layer, call, 'ReduceL2', x);
};

/** Vectors of length 1. */
const normalized = (least: number, isSquared: boolean): Converter => {
  const bound = (length: Value, layer: Layer, call: Call): Value => {
    const asked = settingOf(layer, call, 'epsilon');
    const given = typeof asked === 'number' ? asked : least;
    return layer.graph.op('Max', [length, layer.scalar(isSquared ? Math.sqrt(given) : given)]);
  };
  return (layer, call) => {
    const x = operandOf(layer, call, 0);
    const order = settingOf(layer, call, 'order') ?? 2;
    if (order !== 2) return layer.refuse(`normalize of order ${show(order)} cannot be converted`);
    const axis = settingOf(layer, call, 'axis') ?? -1;
    const axes = numbersIn(axis).map((each) => toAxis(each, x.shape.length));
    const length = reduce(layer, 'ReduceL2', x, axes, true).value;
    return { ...x, value: layer.graph.op('Div', [x.value, bound(length, layer, call)]) };
  };
};

const cumulated: Converter = (layer, call) => {
  const x = operandOf(layer, call, 0);
  if (settingOf(layer, call, 'axis') === undefined) return layer.refuse('cumsum without an axis cannot be converted');
  if (settingOf(layer, call, 'exclusive') === true || settingOf(layer, call, 'reverse') === true)
    return layer.refuse('an exclusive or reverse cumsum cannot be converted');
  const axis = layer.graph.constant(longs([axisOf(layer, call, x)]));
  return { ...x, value: layer.graph.op('CumSum', [x.value, axis]) };
};

/** Sums of products by an equation such as `bij,bkj->bik`. */
const einsum: Converter = (layer, call) => {
  const asked = settingOf(layer, call, 'subscripts', 'equation') ?? call.positional[0];
  const equation = typeof asked === 'string' ? asked.replaceAll(' ', '') : '';
  const [from = '', result] = equation.split('->');
  const operands = call.positional
    .flat()
    .filter((each) => each !== asked)
    .map((each) => toOperand(layer, each));
  const terms = from.split(',');
  if (layer.surroundings.origin.startsWith('Keras 2'))
    return layer.refuse('Keras 2 saves the equation of tf.einsum, and not its tensors; use tf.matmul and tf.transpose');
  if (!/^[a-zA-Z,]+->[a-zA-Z]*$/.test(equation) || result === undefined || terms.length !== operands.length)
    return layer.refuse(`equation ${show(asked)} cannot be converted; name the axes of all tensors and of the result`);
  const sizes = new Map(
    terms.flatMap((term, index) => [...term].map((letter, axis) => [letter, operands[index]?.shape[axis] ?? null])),
  );
  const values = operands.map(({ value }) => value);
  const value = layer.graph.op('Einsum', values, { equation: text(equation) });
  return { value, shape: [...result].map((letter) => sizes.get(letter) ?? null), dtype: 'float32' };
};

/** Functions of many numbers that take more than one operator. */
export const STATISTICS: Converters = {
  ...Object.fromEntries(['var', 'reduce_variance'].map((name) => [name, variance])),
  ...Object.fromEntries(['std', 'reduce_std'].map((name) => [name, deviation])),
  ...Object.fromEntries(['logsumexp', 'reduce_logsumexp'].map((name) => [name, logSumExp])),
  norm,
  normalize: normalized(1e-7, false),
  l2_normalize: normalized(1e-12, true),
  cumsum: cumulated,
  einsum,
};
