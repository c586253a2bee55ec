import { show } from '../../../core/show.ts';
import { longs, singles, type Value } from '../../../onnx/graph-builder.ts';
import { type Attributes, floats, integer, text, texts } from '../../../onnx/node.ts';
import { activationName } from '../activations.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import type { Layer } from '../layer.ts';
import { createSteps, reverse, swapTime } from './steps.ts';

export interface Cell {
  readonly operator: 'LSTM' | 'GRU' | 'RNN';
  /** The gates of ONNX as indices of those of Keras. */
  readonly gates: readonly number[];
  readonly states: number;
}

/** Keras: i, f, c, o of an LSTM and z, r, h of a GRU. ONNX: i, o, f, c and z, r, h. */
const CELLS: Readonly<Record<string, Cell>> = {
  LSTM: { operator: 'LSTM', gates: [0, 3, 1, 2], states: 2 },
  GRU: { operator: 'GRU', gates: [0, 1, 2], states: 1 },
  SimpleRNN: { operator: 'RNN', gates: [0], states: 1 },
};

/** Activations that the operators of ONNX know, with their numbers alpha and beta. */
const ACTIVATIONS: Readonly<Record<string, { readonly name: string; readonly numbers: readonly number[] }>> = {
  tanh: { name: 'Tanh', numbers: [] },
  sigmoid: { name: 'Sigmoid', numbers: [] },
  relu: { name: 'Relu', numbers: [] },
  softsign: { name: 'Softsign', numbers: [] },
  softplus: { name: 'Softplus', numbers: [] },
  linear: { name: 'Affine', numbers: [1, 0] },
  hard_sigmoid: { name: 'HardSigmoid', numbers: [1 / 6, 0.5] },
  hard_sigmoid_2: { name: 'HardSigmoid', numbers: [0.2, 0.5] },
};

/** The cell of a class such as `LSTM` or `LSTMCell`; undefined when it cannot be converted. */
export const findCell = (className: string): Cell | undefined => {
  const name = className.replace(/Cell$/, '');
  return Object.hasOwn(CELLS, name) ? CELLS[name] : undefined;
};

const activationsOf = (layer: Layer, { operator }: Cell): Attributes => {
  const known = (name: string, otherwise: string) => {
    const asked = activationName(layer.find(name) ?? otherwise);
    const isOld = asked === 'hard_sigmoid' && layer.surroundings.origin.startsWith('Keras 2');
    const key = isOld ? 'hard_sigmoid_2' : asked;
    const found = Object.hasOwn(ACTIVATIONS, key) ? ACTIVATIONS[key] : undefined;
    return (
      found ?? layer.refuse(`${name} ${show(asked)} is none of ${Object.keys(ACTIVATIONS).slice(0, -1).join(', ')}`)
    );
  };
  const own = known('activation', 'tanh');
  const recurrent = operator === 'RNN' ? [] : [known('recurrent_activation', 'sigmoid')];
  const all = [...recurrent, own, ...(operator === 'LSTM' ? [own] : [])];
  const numbers = [0, 1].map((index) => all.flatMap(({ numbers: each }) => each.slice(index, index + 1)));
  return {
    activations: texts(all.map(({ name }) => name)),
    ...(numbers[0]?.length && { activation_alpha: floats(numbers[0]), activation_beta: floats(numbers[1] ?? []) }),
  };
};

/** (in, gates * units) of Keras as (1, gates * units, in) of ONNX. */
const turnGates = (data: Float32Array, rows: number, units: number, gates: readonly number[]): Float32Array => {
  const columns = gates.length * units;
  const out = new Float32Array(data.length);
  for (const [to, from] of gates.entries())
    for (let unit = 0; unit < units; unit += 1)
      for (let row = 0; row < rows; row += 1)
        out[(to * units + unit) * rows + row] = data[row * columns + from * units + unit] ?? 0;
  return out;
};

/** Kernel, recurrent kernel and bias as inputs of the operator. */
const weightsOf = (layer: Layer, { gates }: Cell, inputs: number, hasTwoBiases: boolean): readonly Value[] => {
  const units = layer.number('units');
  const width = gates.length * units;
  const turned = (rows: number, key: string): Value => {
    const { data } = layer.take([rows, width]);
    return layer.constant(key, () => singles([1, width, rows], turnGates(data, rows, units, gates)));
  };
  const kernels = [turned(inputs, 'kernel'), turned(units, 'recurrent kernel')];
  if (!layer.flag('use_bias', true)) return [...kernels, ''];
  const { data } = layer.take(hasTwoBiases ? [2, width] : [width]);
  const bias = layer.constant('bias', () => {
    const both = new Float32Array(2 * width);
    both.set(turnGates(data.subarray(0, width), 1, units, gates));
    if (hasTwoBiases) both.set(turnGates(data.subarray(width), 1, units, gates), width);
    return singles([1, 2 * width], both);
  });
  return [...kernels, bias];
};

/** A sequence that a recurrent layer goes through, in one direction. */
export interface Run {
  readonly input: KerasTensor;
  readonly states: readonly KerasTensor[];
  readonly mask: Value | undefined;
  readonly isBackward: boolean;
  readonly zerosMasked: boolean;
}

/** Runs a direction of a recurrent layer: its output is in the order of its steps, and its last states follow. */
export const runCell = (layer: Layer, cell: Cell, run: Run): readonly KerasTensor[] => {
  const { input, states } = run;
  const { graph } = layer;
  const units = layer.number('units');
  const resets = cell.operator === 'GRU' && layer.flag('reset_after', true);
  const turned = (value: Value) => (run.isBackward ? reverse(graph, value) : value);
  const steps = run.mask === undefined ? undefined : createSteps(graph, turned(run.mask));
  const ordered = turned(input.value);
  const sequence = swapTime(graph, steps?.pack(ordered) ?? ordered);
  const front = graph.constant(longs([0]));
  const starts = states.map(({ value }) => graph.op('Unsqueeze', [value, front]));
  const weights = weightsOf(layer, cell, layer.fixed(input.shape, 2), resets);
  const inputs = [sequence, ...weights, steps?.lengths ?? '', ...starts];
  while (inputs.at(-1) === '') inputs.pop();
  const [all = '', ...ends] = graph.ops(cell.operator, cell.states + 1, inputs, {
    hidden_size: integer(units),
    direction: text('forward'),
    ...activationsOf(layer, cell),
    ...(cell.operator === 'GRU' && { linear_before_reset: integer(Number(resets)) }),
    ...(cell.operator === 'LSTM' && { input_forget: integer(0) }),
  });
  const batch = input.shape[0] ?? null;
  const last = ends.map((end): KerasTensor => {
    const value = graph.op('Squeeze', [end, front]);
    return { value, shape: [batch, units], dtype: 'float32' };
  });
  const outputs = layer.flag('return_state') ? last : [];
  if (!layer.flag('return_sequences')) return [...last.slice(0, 1), ...outputs];
  const series = swapTime(graph, graph.op('Squeeze', [all, graph.constant(longs([1]))]));
  const value = steps?.unpack(series, run.zerosMasked) ?? series;
  const shape = [batch, input.shape[1] ?? null, units];
  return [{ value, shape, dtype: 'float32', ...(run.mask !== undefined && { mask: run.mask }) }, ...outputs];
};
