import { longs, singles, type Value } from '../../../onnx/graph-builder.ts';
import { integer, integers } from '../../../onnx/node.ts';
import { activate } from '../activations.ts';
import type { KerasTensor, Shape } from '../keras-tensor.ts';
import { Layer } from '../layer.ts';
import { permute } from '../permute.ts';
import type { Run } from './cells.ts';
import { biasOf, convolve, outFirst, windowOf } from './convolutions.ts';
import { channelAxis, transpose, type Window } from './window.ts';

/** The axes of space of the layers. */
export const CONVOLUTIONAL_AXES: Readonly<Record<string, number>> = { ConvLSTM1D: 1, ConvLSTM2D: 2, ConvLSTM3D: 3 };

/** Gates of a step: input, forget, cell, output. */
const GATES = 4;

const split = (layer: Layer, gates: Value): Value[] =>
  layer.graph.ops('Split', GATES, [gates], { axis: integer(1), num_outputs: integer(GATES) });

/** The graph of one step: (h, c, gates of the input) → (h, c, h). */
const stepOf = (outer: Layer, kernel: Value, window: Window, filters: number, shape: Shape) => {
  const graph = outer.graph.subgraph('step');
  const layer = new Layer(outer.config, outer.weights, { ...outer.surroundings, graph });
  const sizes = shape.map((size) => size ?? '');
  const name = graph.op('Identity', [kernel]);
  const [h = '', c = '', x = ''] = ['h', 'c', 'gates'].map((each) =>
    graph.input(`${name}_${each}`, 'float32', each === 'gates' ? sizes.with(1, GATES * filters) : sizes),
  );
  const activated = (value: Value, setting: string, otherwise: string): Value =>
    activate(layer, { value, shape, dtype: 'float32' }, layer.find(setting) ?? otherwise).value;
  const inside = (value: Value): Value => activated(value, 'activation', 'tanh');
  const gate = (value: Value): Value => activated(value, 'recurrent_activation', 'hard_sigmoid');
  const recurrent = convolve(
    layer,
    { value: h, shape, dtype: 'float32' },
    {
      ...{ value: name, window, group: 1, filters: GATES * filters },
    },
  );
  const [i = '', f = '', candidate = '', o = ''] = split(layer, graph.op('Add', [x, recurrent.value]));
  const kept = graph.op('Mul', [gate(f), c]);
  const next = graph.op('Add', [kept, graph.op('Mul', [gate(i), inside(candidate)])]);
  const output = graph.op('Mul', [gate(o), inside(next)]);
  graph.output(`${name}_next_h`, output, 'float32', sizes);
  graph.output(`${name}_next_c`, next, 'float32', sizes);
  graph.output(`${name}_output`, output, 'float32', sizes);
  return graph.toGraph();
};

/** A kernel of Keras, as ONNX has it. */
const kernelOf = (layer: Layer, key: string, shape: Shape, axes: number): Value => {
  const array = layer.take(shape);
  return layer.constant(key, () => {
    const { shape: sizes, data } = permute(array, outFirst(axes));
    return singles(sizes, data);
  });
};

/** Steps of a sequence as rows of a batch, and back. */
const withRows = (layer: Layer, value: Value, like: Value, from: number, to: readonly number[]): Value => {
  const { graph } = layer;
  const rest = graph.op('Shape', [value], { start: integer(from) });
  const front = to.length === 1 ? graph.constant(longs(to)) : graph.op('Shape', [like], { end: integer(2) });
  return graph.op('Reshape', [value, graph.op('Concat', [front, rest], { axis: integer(0) })]);
};

/** The order of axes behind N (and T) with the channels first, or the way back. */
const turn = (layer: Layer, x: KerasTensor, front: number, isBack: boolean): KerasTensor => {
  if (layer.find('data_format') === 'channels_first') return x;
  const rank = x.shape.length;
  const space = Array.from({ length: rank - front - 1 }, (_, axis) => front + axis + (isBack ? 1 : 0));
  const kept = Array.from({ length: front }, (_, axis) => axis);
  return transpose(layer, x, isBack ? [...kept, ...space, front] : [...kept, rank - 1, ...space]);
};

/** An LSTM whose products are convolutions. The input is convolved for all steps at once, the state at each step. */
export const runConvolutionalCell = (layer: Layer, axes: number, run: Run): readonly KerasTensor[] => {
  const { graph } = layer;
  const { input } = run;
  if (input.shape.length !== axes + 3) layer.refuse(`its input has ${input.shape.length} axes, expected ${axes + 3}`);
  if (run.mask !== undefined) layer.refuse('it has a mask, which cannot be converted here');
  const window = windowOf(layer, axes);
  const filters = layer.number('filters');
  const width = GATES * filters;
  const channels = layer.fixed(input.shape, channelAxis(layer, axes + 2) + 1);
  const kernel = kernelOf(layer, 'kernel', [...window.kernel, channels, width], axes);
  const recurrent = kernelOf(layer, 'recurrent kernel', [...window.kernel, filters, width], axes);
  const bias = biasOf(layer, width);
  const first = turn(layer, input, 2, false);
  const [batch = null, steps = null, ...sizes] = first.shape;
  const rows = { ...first, value: withRows(layer, first.value, '', 2, [-1]), shape: [null, ...sizes] };
  const gates = convolve(layer, rows, { value: kernel, window, group: 1, filters: width, bias });
  const sequence = withRows(layer, gates.value, first.value, 1, [0, 0]);
  const shape: Shape = [batch, filters, ...gates.shape.slice(2)];
  const zeros = (): Value => {
    const start = graph.op('Gather', [sequence, graph.constant(longs([0]))], { axis: integer(1) });
    const [part = ''] = split(layer, graph.op('Squeeze', [start, graph.constant(longs([1]))]));
    return graph.op('ConstantOfShape', [graph.op('Shape', [part])]);
  };
  const starts =
    run.states.length === 0
      ? Array.from({ length: 2 }, zeros)
      : run.states.map((state) => turn(layer, state, 1, false).value);
  const ones = window.kernel.map(() => 1);
  const within: Window = { kernel: window.kernel, strides: ones, dilations: ones, padding: 'same' };
  const [h = '', c = '', all = ''] = graph.ops('Scan', 3, [...starts, sequence], {
    body: { type: 'graph', value: stepOf(layer, recurrent, within, filters, shape) },
    num_scan_inputs: integer(1),
    scan_input_axes: integers([1]),
    scan_output_axes: integers([1]),
    scan_input_directions: integers([Number(run.isBackward)]),
  });
  const ends = [h, c].map((value) => turn(layer, { value, shape, dtype: 'float32' }, 1, true));
  const outputs = layer.flag('return_state') ? ends : [];
  if (!layer.flag('return_sequences')) return [...ends.slice(0, 1), ...outputs];
  const series: KerasTensor = { value: all, shape: [batch, steps, ...shape.slice(1)], dtype: 'float32' };
  return [turn(layer, series, 2, true), ...outputs];
};
