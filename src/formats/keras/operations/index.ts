import { show } from '../../../core/show.ts';
import { activate, findActivation } from '../activations.ts';
import type { Converter, Converters, LayerConfig } from '../layer.ts';
import { ARRANGEMENTS } from './arrangements.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { operandOf } from './operands.ts';
import { PIECES } from './pieces.ts';
import { REDUCTIONS } from './reductions.ts';
import { STATISTICS } from './statistics.ts';

/** Functions by their names in `keras.ops` and in TensorFlow. */
const OPERATIONS: Converters = { ...ELEMENTWISE, ...REDUCTIONS, ...STATISTICS, ...ARRANGEMENTS, ...PIECES };

const toSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** The name of a function: the class of an operation of Keras 3, or `math.add` of TensorFlow. */
const functionOf = ({ className, config }: LayerConfig): string => {
  const name = className.endsWith('OpLambda') ? String(config.function ?? '') : className;
  return toSnake(name.split('.').at(-1) ?? '');
};

/** True for the name of an operation or an activation that can be converted. */
export const isFunction = (layer: LayerConfig): boolean => {
  const name = functionOf(layer);
  return Object.hasOwn(OPERATIONS, name) || findActivation(name) !== undefined;
};

/** An operation that a model calls as a function, without a layer. */
export const operation: Converter = (layer, call) => {
  const name = functionOf(layer.config);
  const convert = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (convert !== undefined) return convert(layer, call);
  if (findActivation(name) === undefined)
    return layer.refuse(`operation ${show(name)} cannot be converted; use a layer in its place`);
  return activate(layer, operandOf(layer, call, 0), name, { ...layer.config.config, ...call.named });
};
