import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import type { Tensor } from '../../core/tensor.ts';
import { type GraphBuilder, singles, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';
import { refuse } from '../refuse.ts';
import { formatShape, type KerasTensor, type Shape, type WeightArray } from './keras-tensor.ts';
import type { Weights } from './weights.ts';

/** A layer in the `config` of a model. */
export interface LayerConfig {
  readonly className: string;
  readonly name: string;
  readonly module: string;
  readonly registeredName: string | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inboundNodes: unknown;
}

/** A call of a layer. References to tensors are replaced by the tensors. */
export interface Call {
  /** Tensors of the first argument, which may be a list. */
  readonly inputs: readonly KerasTensor[];
  /** All arguments by position. */
  readonly positional: readonly unknown[];
  /** Arguments by name. */
  readonly named: Readonly<Record<string, unknown>>;
}

/** Adds a call of a layer to the graph. @throws `MODEL_INVALID` for settings that cannot be converted */
export type Converter = (layer: Layer, call: Call) => KerasTensor | readonly KerasTensor[];

export type Converters = Readonly<Record<string, Converter>>;

/** The graph of a layer, and the means to build the layers within it. */
export interface Surroundings {
  readonly graph: GraphBuilder;
  /** The library that wrote the model, such as `Keras 3.15.1`. */
  readonly origin: string;
  /** Prepares a layer, or a model as a layer, for its calls. */
  readonly build: (config: LayerConfig, weights: Weights) => BuiltLayer;
  /** Counts a call of a layer. @throws `MODEL_INVALID` for too many */
  readonly countCall: () => void;
}

/** A layer that can be called, several times when it is shared. */
export interface BuiltLayer {
  readonly config: LayerConfig;
  call(call: Call): readonly KerasTensor[];
  /** The outputs of its calls. */
  readonly calls: readonly (readonly KerasTensor[])[];
  /** The layers of a model. */
  readonly layers?: readonly BuiltLayer[];
  /** Sum of the sizes of its arrays of weights, of those that its calls used. */
  parameterCount(): number;
}

/**
 * A layer of the model: its settings, and its weights, which it takes in the order in which Keras creates them. Weights that a shared layer
 * takes again are the same value. @throws `MODEL_INVALID` for a setting or an array of weights that is missing or different
 */
export class Layer {
  readonly config: LayerConfig;
  readonly weights: Weights;
  readonly surroundings: Surroundings;
  readonly #constants = new Map<string, Value>();
  readonly #parts = new Map<string, Layer>();
  #wrapped: BuiltLayer | undefined;
  #taken = 0;

  constructor(config: LayerConfig, weights: Weights, surroundings: Surroundings) {
    this.config = config;
    this.weights = weights;
    this.surroundings = surroundings;
  }

  get graph(): GraphBuilder {
    return this.surroundings.graph;
  }

  /** @throws `MODEL_INVALID` naming layer, class and version */
  refuse(problem: string): never {
    return refuseLayer(this.config, this.surroundings.origin, problem);
  }

  /** A setting; undefined when it is left out or null. */
  find(...names: readonly string[]): unknown {
    for (const name of names) {
      const value = this.config.config[name];
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  }

  number(name: string, otherwise?: number): number {
    const value = this.find(name) ?? otherwise;
    return typeof value === 'number' ? value : this.refuse(`${name} is ${show(value)}, expected a number`);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.find(name) ?? otherwise;
    return typeof value === 'boolean' ? value : this.refuse(`${name} is ${show(value)}, expected true or false`);
  }

  /** A text out of `choices`; the first is the default. */
  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.find(name) ?? choices[0];
    return (
      choices.find((each) => each === value) ??
      this.refuse(`${name} is ${show(value)}, and only ${choices.join(', ')} can be converted`)
    );
  }

  /** `count` integers; one alone stands for all. */
  integers(name: string, count: number, otherwise?: number | readonly number[]): readonly number[] {
    const value = this.find(name) ?? otherwise;
    const list = typeof value === 'number' ? Array.from({ length: count }, () => value) : value;
    if (isIntegers(list) && list.length === count) return list;
    return this.refuse(`${name} is ${show(value)}, expected ${count} integers`);
  }

  /** A size that the model must fix for this layer. */
  fixed(shape: Shape, axis: number): number {
    return shape.at(axis) ?? this.refuse(`its input is ${formatShape(shape)}, and axis ${axis} must have a fixed size`);
  }

  /** The next array of weights. Null in `shape` is any size. */
  take(shape: Shape): WeightArray {
    const found = this.weights.arrays()[this.#taken++];
    const expected = `expected weights ${formatShape(shape)}`;
    if (found === undefined) return this.refuse(`${expected}, and the file has no more of them; save the whole model`);
    const fits =
      found.shape.length === shape.length && shape.every((size, axis) => size === null || size === found.shape[axis]);
    return fits ? found : this.refuse(`${expected}, not ${formatShape(found.shape)}`);
  }

  /** Starts a call, which takes the weights from the first again. */
  start(): void {
    this.#taken = 0;
  }

  /** @throws `MODEL_INVALID` when the call left arrays of weights */
  assertAllTaken(): void {
    const count = this.weights.arrays().length;
    if (this.#taken !== count)
      this.refuse(`the file has ${count} arrays of weights for it, expected ${this.#taken}; save the whole model`);
  }

  /** Sum of the sizes of its weights. */
  parameterCount(): number {
    const own = this.weights.arrays().reduce((sum, { data }) => sum + data.length, 0);
    return this.#wrapped?.parameterCount() ?? own;
  }

  /** A part of this layer that has settings of its own, and the next `count` arrays of its weights. */
  part(key: string, config: LayerConfig, count: number): Layer {
    const from = this.#taken;
    this.#taken += count;
    const arrays = () => this.weights.arrays().slice(from, from + count);
    const part = this.#parts.get(key) ?? new Layer(config, { ...this.weights, arrays }, this.surroundings);
    this.#parts.set(key, part);
    part.start();
    return part;
  }

  /** The layer that this one wraps, which may have a stack of `cells`, and has all of its weights but `own`. */
  wrapped(config: LayerConfig, cells: readonly string[], own: number): BuiltLayer {
    this.#taken = this.weights.arrays().length;
    this.#wrapped ??= this.surroundings.build(config, this.weights.ofWrapped(cells, own));
    return this.#wrapped;
  }

  /** Weights as a value of the graph, which all calls of the layer share by `key`. */
  constant(key: string, make: () => Tensor): Value {
    const value = this.#constants.get(key) ?? this.graph.constant(make());
    this.#constants.set(key, value);
    return value;
  }

  /** The next array of weights as it is. */
  weight(shape: Shape, key = `weights ${this.#taken}`): Value {
    const { shape: sizes, data } = this.take(shape);
    return this.constant(key, () => singles(sizes, data));
  }

  /** A size that settings alone give. @throws `MODEL_INVALID` for one that no model needs */
  bounded(what: string, size: number): number {
    if (Number.isSafeInteger(size) && size >= 0 && size <= LARGEST) return size;
    return this.refuse(`${what} is ${size}, expected an integer of ${LARGEST} at most`);
  }

  /** A number of float32. */
  scalar(value: number): Value {
    return this.graph.constant(singles([], [value]));
  }

  /** The only input. */
  only({ inputs }: Call): KerasTensor {
    const [input] = inputs;
    if (input === undefined || inputs.length !== 1) this.refuse(`it is called with ${inputs.length} tensors, not one`);
    return input ?? this.refuse('it has no input');
  }
}

/** Elements that an array may have of which the file has no bytes. */
const LARGEST = 10_000_000;

const isIntegers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((each) => Number.isSafeInteger(each));

/** @throws `MODEL_INVALID` naming layer, class and version */
export const refuseLayer = ({ name, className }: LayerConfig, origin: string, problem: string): never => {
  return refuse(`layer ${show(name)} (${className}, ${origin}): ${problem}`);
};

/** A tensor of any type as a mask. */
export const toMask = ({ graph }: Layer, { value, dtype }: KerasTensor): Value =>
  dtype === 'bool' ? value : graph.op('Cast', [value], { to: integer(DATA_TYPES.bool) });

/** A converter of a layer with one input and one output. */
export const unary =
  (convert: (layer: Layer, input: KerasTensor) => KerasTensor): Converter =>
  (layer, call) =>
    convert(layer, layer.only(call));

/** Names of classes as `keras.layers` exports them and `.keras` has them, where the class itself, its weights and `.h5` have another. */
const EXPORTED: ReadonlyMap<string, string> = new Map([['GroupQueryAttention', 'GroupedQueryAttention']]);

/** @throws `MODEL_INVALID` when `value` describes no layer */
export const toLayerConfig = (value: unknown, origin: string): LayerConfig => {
  const config = isObject(value) ? value.config : undefined;
  if (!isObject(value) || typeof value.class_name !== 'string' || !isObject(config))
    return refuse(`${origin}: ${show(value)} is no layer`);
  const name = config.name ?? value.name;
  return {
    className: EXPORTED.get(value.class_name) ?? value.class_name,
    name: typeof name === 'string' ? name : value.class_name,
    module: typeof value.module === 'string' ? value.module : 'keras.layers',
    registeredName: typeof value.registered_name === 'string' ? value.registered_name : undefined,
    config,
    inboundNodes: value.inbound_nodes ?? [],
  };
};
