import { isObject } from '../../../core/is-object.ts';
import type { KerasTensor } from '../keras-tensor.ts';
import { type Layer, type LayerConfig, toLayerConfig } from '../layer.ts';
import { findCell, type Run, runCell } from './cells.ts';
import { reverse } from './steps.ts';

const configsOf = (value: unknown, origin: string): readonly LayerConfig[] =>
  isObject(value) && isObject(value.config) && Array.isArray(value.config.cells)
    ? value.config.cells.map((cell: unknown) => toLayerConfig(cell, origin))
    : [];

/** The cells of a stack in a recurrent layer, or in the layer that a wrapper wraps; none when there is no stack. */
export const stackWithin = ({ config }: LayerConfig, origin: string): readonly LayerConfig[] => {
  if (config.cell !== undefined) return configsOf(config.cell, origin);
  return isObject(config.layer) && isObject(config.layer.config) ? configsOf(config.layer.config.cell, origin) : [];
};

/** Runs the cells of a stack one after the other. Each goes through the outputs of the one before it, in their order. */
export const runStack = (layer: Layer, run: Run): readonly KerasTensor[] => {
  const cells = stackWithin(layer.config, layer.surroundings.origin);
  if (layer.flag('return_state'))
    layer.refuse('the states of a stack of cells cannot be converted; set return_state=False');
  let { input, mask, isBackward } = run;
  let outputs: readonly KerasTensor[] = [];
  for (const [index, cell] of cells.entries()) {
    const known = findCell(cell.className);
    if (known === undefined)
      return layer.refuse(`its cell ${cell.className} cannot be converted; use LSTMCell, GRUCell or SimpleRNNCell`);
    const isLast = index === cells.length - 1;
    const config = { ...cell.config, return_sequences: !isLast || layer.flag('return_sequences') };
    const count = cell.config.use_bias === false ? 2 : 3;
    const own = layer.part(`cell ${index}`, { ...cell, config }, count);
    outputs = runCell(own, known, { input, states: [], mask, isBackward, zerosMasked: isLast && run.zerosMasked });
    input = outputs[0] ?? layer.refuse('its stack has no cells');
    if (isBackward && mask !== undefined) mask = reverse(layer.graph, mask);
    isBackward = false;
  }
  return outputs;
};
