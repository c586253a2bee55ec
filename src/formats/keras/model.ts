import { isObject } from '../../core/is-object.ts';
import { type Arguments, parseEnds, parseNode, type Reference, referencesIn, resolve, tensorsIn } from './calls.ts';
import type { KerasTensor } from './keras-tensor.ts';
import {
  type BuiltLayer,
  type Call,
  type LayerConfig,
  refuseLayer,
  type Surroundings,
  toLayerConfig,
} from './layer.ts';
import { stackWithin } from './layers/stacked-cells.ts';
import type { Named, Weights } from './weights.ts';

/** A model: its layers, and the calls that connect them. */
export interface BuiltModel extends BuiltLayer {
  readonly layers: readonly BuiltLayer[];
  /** The layers of its inputs, in order. Empty for a sequence without an InputLayer, whose first layer has the shape of its input. */
  readonly inputs: readonly LayerConfig[];
  readonly outputs: readonly Reference[];
}

export const MODEL_CLASSES: readonly string[] = ['Functional', 'Model', 'Sequential'];

/** A call of one layer. */
interface Node {
  readonly layer: BuiltLayer;
  readonly index: number;
  readonly given: Arguments;
  readonly needs: readonly Reference[];
}

/** The call of a layer with tensors alone. */
export const toCall = (inputs: readonly KerasTensor[]): Call => ({ inputs, positional: [inputs], named: {} });

const layersOf = ({ config }: LayerConfig, origin: string): LayerConfig[] => {
  const layers = Array.isArray(config.layers) ? config.layers : [];
  return layers.map((layer) => toLayerConfig(layer, origin));
};

/** The names of all layers within a model, and within its models. */
const namesWithin = (config: LayerConfig, origin: string): readonly string[] =>
  MODEL_CLASSES.includes(config.className)
    ? layersOf(config, origin).flatMap((layer) => [layer.name, ...namesWithin(layer, origin)])
    : [];

/** A layer, as its weights are found by it. */
export const toNamed = (layer: LayerConfig, origin: string): Named => ({
  name: layer.name,
  className: layer.className,
  within: namesWithin(layer, origin),
  cells: stackWithin(layer, origin).map(({ className }) => className),
});

const isInput = ({ className }: LayerConfig): boolean => className === 'InputLayer';

/** Keras 2 counts the calls of a model that has an InputLayer from 1: the first was that of its making. */
const firstIndex = (layer: LayerConfig, origin: string): number =>
  origin.startsWith('Keras 2') && MODEL_CLASSES.includes(layer.className) && layersOf(layer, origin).some(isInput)
    ? 1
    : 0;

/** Prepares a model for its calls. @throws `MODEL_INVALID` for a layer that cannot be converted */
export const buildModel = (config: LayerConfig, weights: Weights, surroundings: Surroundings): BuiltModel => {
  const { origin, build } = surroundings;
  const configs = layersOf(config, origin);
  const shares = weights.ofLayers(configs.map((layer) => toNamed(layer, origin)));
  const layers = configs
    .filter((layer) => !isInput(layer))
    .map((layer) => build(layer, shares.get(layer.name) ?? weights));
  const parameterCount = () => layers.reduce((sum, layer) => sum + layer.parameterCount(), 0);
  const calls: (readonly KerasTensor[])[] = [];
  const known = { config, layers, calls, parameterCount };
  const record = (outputs: readonly KerasTensor[]) => {
    surroundings.countCall();
    calls.push(outputs);
    return outputs;
  };
  if (config.className === 'Sequential') {
    const inputs = configs.filter(isInput).slice(0, 1);
    const call: BuiltLayer['call'] = ({ inputs: given }) =>
      record(layers.reduce((tensors, layer) => layer.call(toCall(tensors)), given));
    return { ...known, inputs, outputs: [], call };
  }
  const ends = parseEnds(config.config.input_layers);
  const outputs = parseEnds(config.config.output_layers);
  const nodes = layers.flatMap((layer) => nodesOf(layer, origin));
  const call: BuiltLayer['call'] = (given) =>
    record(runNodes({ nodes, ends, outputs }, given.inputs, (problem) => refuseLayer(config, origin, problem)));
  const inputs = ends.flatMap(({ layer }) => configs.filter(({ name }) => name === layer));
  return { ...known, inputs, outputs, call };
};

const nodesOf = (layer: BuiltLayer, origin: string): Node[] => {
  const { inboundNodes } = layer.config;
  const first = firstIndex(layer.config, origin);
  return (Array.isArray(inboundNodes) ? inboundNodes : []).map((node: unknown, index) => {
    const given = parseNode(node);
    return { layer, index: index + first, given, needs: referencesIn([given.positional, given.named]) };
  });
};

interface Graph {
  readonly nodes: readonly Node[];
  readonly ends: readonly Reference[];
  readonly outputs: readonly Reference[];
}

/** Runs each call when its tensors are there. A call waits for one missing tensor at a time, and nothing recurses. */
const runNodes = (
  { nodes, ends, outputs }: Graph,
  inputs: readonly KerasTensor[],
  refuse: (problem: string) => never,
): readonly KerasTensor[] => {
  if (inputs.length !== ends.length)
    refuse(`it is called with ${inputs.length} tensors, and has ${ends.length} inputs`);
  const made = new Map<string, KerasTensor>();
  const waiting = new Map<string, Node[]>();
  const ready = [...nodes].reverse();
  const add = (key: string, tensor: KerasTensor): void => {
    made.set(key, tensor);
    for (const node of waiting.get(key) ?? []) ready.push(node);
    waiting.delete(key);
  };
  const wait = (key: string, node: Node): void => {
    const others = waiting.get(key) ?? [];
    others.push(node);
    waiting.set(key, others);
  };
  const find = (reference: Reference): KerasTensor =>
    made.get(reference.key) ?? refuse(`no layer makes tensor ${reference.tensor} of layer "${reference.layer}"`);

  for (const [index, { key }] of ends.entries()) {
    const input = inputs[index];
    if (input !== undefined) add(key, input);
  }
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    const missing = node.needs.find(({ key }) => !made.has(key));
    if (missing !== undefined) {
      wait(missing.key, node);
      continue;
    }
    const { layer, index, given } = node;
    const positional = given.positional.map((part) => resolve(part, find));
    const named = resolve(given.named, find);
    const call = { inputs: tensorsIn(positional[0]), positional, named: isObject(named) ? named : {} };
    for (const [tensor, output] of layer.call(call).entries()) add(`${layer.config.name}\n${index}\n${tensor}`, output);
  }
  return outputs.map(find);
};
