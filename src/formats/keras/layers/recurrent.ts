import { isObject } from '../../../core/is-object.ts';
import { show } from '../../../core/show.ts';
import { integer } from '../../../onnx/node.ts';
import { tensorsIn } from '../calls.ts';
import { formatShape, type KerasTensor } from '../keras-tensor.ts';
import { type Call, type Converter, type Converters, type Layer, type LayerConfig, toLayerConfig } from '../layer.ts';
import { findCell, type Run, runCell } from './cells.ts';
import { CONVOLUTIONAL_AXES, runConvolutionalCell } from './convolutional-lstm.ts';
import { runStack } from './stacked-cells.ts';
import { reverse } from './steps.ts';

/** A recurrent layer with the settings of its cell, the states of which it starts from, and the way it runs. */
interface Recurrence {
  readonly config: LayerConfig;
  readonly states: number;
  readonly run: (layer: Layer, run: Run) => readonly KerasTensor[];
}

/** `RNN` has its cell as a layer of its own, or several in a stack. */
const recurrenceOf = (layer: Layer, config: LayerConfig): Recurrence => {
  const { className } = config;
  const axes = CONVOLUTIONAL_AXES[className];
  if (axes !== undefined) return { config, states: 2, run: (own, run) => runConvolutionalCell(own, axes, run) };
  const inner = config.config.cell;
  const isOpen = className === 'RNN' && isObject(inner);
  if (isOpen && inner.class_name === 'StackedRNNCells') return { config, states: 0, run: runStack };
  const name = isOpen ? String(inner.class_name) : className;
  const cell = findCell(name);
  if (cell === undefined)
    return layer.refuse(
      `its cell ${show(name)} cannot be converted; use LSTM, GRU, SimpleRNN or a stack of their cells`,
    );
  const own = isOpen && isObject(inner.config) ? { ...inner.config, ...config.config } : config.config;
  return { config: { ...config, config: own }, states: cell.states, run: (part, run) => runCell(part, cell, run) };
};

/** The sequence of a call, its states and its mask. Keras 2 has the states among the tensors, Keras 3 as an argument. */
const readCall = (layer: Layer, { inputs, positional, named }: Call): Pick<Run, 'input' | 'states' | 'mask'> => {
  const [input, ...states] = inputs;
  if (input === undefined || input.shape.length < 3)
    return layer.refuse(`its input is ${formatShape(input?.shape ?? [])}, expected a sequence [N,T,…]`);
  const given = [...states, ...tensorsIn(named.initial_state ?? positional[1])];
  return { input, states: given, mask: input.mask };
};

/** Runs a direction. @throws `MODEL_INVALID` for settings that no direction can have */
const run = (own: Layer, { run: through, states }: Recurrence, given: Run): readonly KerasTensor[] => {
  if (own.flag('stateful')) own.refuse('it keeps its state between calls; save the model with stateful=False');
  if (own.flag('time_major')) own.refuse('time_major cannot be converted; save the model with time_major=False');
  if (given.states.length !== 0 && given.states.length !== states)
    own.refuse(`it starts from ${given.states.length} states, expected ${states}`);
  return through(own, given);
};

const recurrent: Converter = (layer, call) => {
  const recurrence = recurrenceOf(layer, layer.config);
  const own = layer.part('cell', recurrence.config, layer.weights.arrays().length);
  const isBackward = own.flag('go_backwards');
  return run(own, recurrence, { ...readCall(layer, call), isBackward, zerosMasked: own.flag('zero_output_for_mask') });
};

const join = (layer: Layer, forward: KerasTensor, backward: KerasTensor): readonly KerasTensor[] => {
  const { graph } = layer;
  const values = [forward.value, backward.value];
  const mode =
    layer.config.config.merge_mode === null ? null : layer.choice('merge_mode', ['concat', 'sum', 'ave', 'mul']);
  switch (mode) {
    case null:
      return [forward, backward];
    case 'concat': {
      const width = layer.fixed(forward.shape, -1) + layer.fixed(backward.shape, -1);
      const value = graph.op('Concat', values, { axis: integer(-1) });
      return [{ ...forward, value, shape: [...forward.shape.slice(0, -1), width] }];
    }
    case 'sum':
      return [{ ...forward, value: graph.op('Add', values) }];
    case 'mul':
      return [{ ...forward, value: graph.op('Mul', values) }];
    case 'ave':
      return [{ ...forward, value: graph.op('Mul', [graph.op('Add', values), layer.scalar(0.5)]) }];
  }
};

/** Two layers, of which the second runs from the last step to the first. */
const bidirectional: Converter = (layer, call) => {
  const { origin } = layer.surroundings;
  const forward = recurrenceOf(layer, toLayerConfig(layer.find('layer'), origin));
  const other = layer.find('backward_layer');
  const backward = other === undefined ? forward : recurrenceOf(layer, toLayerConfig(other, origin));
  const given = readCall(layer, call);
  const half = given.states.length / 2;
  const count = layer.weights.arrays().length / 2;
  const outputs = [forward, backward].map((recurrence, index) => {
    const own = layer.part(`direction ${index}`, recurrence.config, count);
    const states = given.states.slice(index * half, (index + 1) * half);
    const isBackward = index === 1;
    return run(own, recurrence, { ...given, states, isBackward, zerosMasked: own.flag('return_sequences') });
  });
  const [[first, ...firstStates] = [], [second, ...secondStates] = []] = outputs;
  if (first === undefined || second === undefined) return layer.refuse('it has no output');
  const isSeries = first.shape.length === given.input.shape.length;
  const turned = isSeries ? { ...second, value: reverse(layer.graph, second.value) } : second;
  return [...join(layer, first, turned), ...firstStates, ...secondStates];
};

export const RECURRENT: Converters = {
  ...Object.fromEntries(
    ['LSTM', 'GRU', 'SimpleRNN', 'RNN', ...Object.keys(CONVOLUTIONAL_AXES)].map((name) => [name, recurrent]),
  ),
  Bidirectional: bidirectional,
};
