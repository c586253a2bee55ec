import type { GraphBuilder } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { refuse } from '../refuse.ts';
import { isTensor } from './calls.ts';
import type { KerasTensor } from './keras-tensor.ts';
import {
  type BuiltLayer,
  type Call,
  type Converter,
  Layer,
  type LayerConfig,
  refuseLayer,
  type Surroundings,
  toMask,
} from './layer.ts';
import { CATEGORIES } from './layers/categories.ts';
import { ANY_TYPE, KEEPS_MASK, LAYERS, MAKES_MASK, REASONS } from './layers/index.ts';
import { buildModel, MODEL_CLASSES } from './model.ts';
import { isFunction, operation } from './operations/index.ts';
import type { Weights } from './weights.ts';

/**
 * Functions of TensorFlow that a model of Keras 2 calls, and operations of Keras 3. `.h5` does not name their module: of a layer and an operation
 * of the same name, only the layer has the setting `trainable`.
 */
const isOperation = (layer: LayerConfig, origin: string): boolean => {
  const { className, module, config } = layer;
  if (className.endsWith('OpLambda') || /[.]ops([.]|$)|[.]activations([.]|$)/.test(module)) return true;
  if (!origin.startsWith('Keras 3') || config.trainable !== undefined) return false;
  return !Object.hasOwn(LAYERS, className) || (!Object.hasOwn(CATEGORIES, className) && isFunction(layer));
};

/** True for a class of the user's own, which only its registered name tells. */
const isCustom = ({ registeredName, className, module }: LayerConfig): boolean =>
  registeredName?.includes('>') === true ||
  (registeredName !== undefined && !Object.hasOwn(LAYERS, className)) ||
  !/^(tf_)?keras/.test(module);

const converterOf = (config: LayerConfig, origin: string): Converter => {
  const { className, registeredName } = config;
  if (isOperation(config, origin)) return operation;
  const reason = Object.hasOwn(REASONS, className) ? REASONS[className] : undefined;
  if (reason !== undefined) return refuseLayer(config, origin, reason);
  if (isCustom(config))
    return refuseLayer(
      config,
      origin,
      `class ${registeredName ?? className} is not one of Keras; build the model from layers of Keras`,
    );
  const found = Object.hasOwn(LAYERS, className) ? LAYERS[className] : undefined;
  return found ?? refuseLayer(config, origin, 'layers of this class cannot be converted; replace it by others');
};

/** A tensor as the layer computes with it. */
const prepare = (layer: Layer, input: KerasTensor): KerasTensor => {
  const { className } = layer.config;
  if (input.dtype === 'float32' || ANY_TYPE.has(className) || isOperation(layer.config, layer.surroundings.origin))
    return input;
  if (input.dtype === 'string') return layer.refuse('its input is a text, and it computes with numbers');
  const value = layer.graph.op('Cast', [input.value], { to: integer(DATA_TYPES.float32) });
  return { ...input, value, dtype: 'float32' };
};

/** The tensors of a call, with the masks that it names. */
const inputsOf = (layer: Layer, { inputs, named }: Call): readonly KerasTensor[] => {
  const masks: readonly unknown[] = Array.isArray(named.mask) ? named.mask : [named.mask];
  return inputs.map((input, index) => {
    const mask = masks[index];
    const prepared = prepare(layer, input);
    return isTensor(mask) ? { ...prepared, mask: toMask(layer, mask) } : prepared;
  });
};

const withMask = (layer: Layer, call: Call, output: KerasTensor): KerasTensor => {
  const { className } = layer.config;
  if (MAKES_MASK.has(className)) return output;
  const mask = KEEPS_MASK.has(className) ? call.inputs[0]?.mask : undefined;
  const { value, shape, dtype } = output;
  return { value, shape, dtype, ...(mask !== undefined && { mask }) };
};

const buildLayer = (config: LayerConfig, weights: Weights, surroundings: Surroundings): BuiltLayer => {
  const convert = converterOf(config, surroundings.origin);
  const layer = new Layer(config, weights, surroundings);
  const calls: (readonly KerasTensor[])[] = [];
  const call: BuiltLayer['call'] = (given) => {
    surroundings.countCall();
    layer.start();
    const prepared = { ...given, inputs: inputsOf(layer, given) };
    const outputs = [convert(layer, prepared)].flat();
    layer.assertAllTaken();
    const masked = outputs.map((output) => withMask(layer, prepared, output));
    calls.push(masked);
    return masked;
  };
  return { config, call, calls, parameterCount: () => layer.parameterCount() };
};

/** Models within models, and calls of layers. A few shared models within each other would make billions of calls. */
const DEEPEST = 32;
const MOST_CALLS = 20_000;

/** The surroundings of the layers of a model that lies within `depth` - 1 others. */
const surround = (graph: GraphBuilder, origin: string, depth: number, countCall: () => void): Surroundings => ({
  graph,
  origin,
  countCall,
  build: (config, weights) => {
    const inner = surround(graph, origin, depth + 1, countCall);
    if (depth > DEEPEST) refuseLayer(config, origin, `it is nested in more than ${DEEPEST} models and wrappers`);
    const isModel = MODEL_CLASSES.includes(config.className);
    return isModel ? buildModel(config, weights, inner) : buildLayer(config, weights, inner);
  },
});

/** The surroundings of the model itself. */
export const createSurroundings = (graph: GraphBuilder, origin: string): Surroundings => {
  let calls = 0;
  return surround(graph, origin, 1, () => {
    calls += 1;
    if (calls > MOST_CALLS)
      refuse(`${origin}: its layers are called more than ${MOST_CALLS} times; save a smaller model`);
  });
};
