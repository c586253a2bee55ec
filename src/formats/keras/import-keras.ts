import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { messageOf } from '../../core/message-of.ts';
import { show } from '../../core/show.ts';
import { type DType, isDType } from '../../core/tensor.ts';
import { createGraph } from '../../onnx/graph-builder.ts';
import type { ImportedModel, Importer, Outline } from '../imported-model.ts';
import { refuse } from '../refuse.ts';
import { createSurroundings } from './build.ts';
import { formatShape, type KerasTensor, type Shape, toDimensions } from './keras-tensor.ts';
import { type BuiltLayer, type LayerConfig, refuseLayer } from './layer.ts';
import { type BuiltModel, buildModel, MODEL_CLASSES, toCall } from './model.ts';
import { readSavedModel, type SavedModel } from './saved-model.ts';

const isShape = (value: unknown): value is Shape =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((size) => size === null || (Number.isSafeInteger(size) && size > 0));

/** `float32`, of a text or of a policy such as `{ "config": { "name": "mixed_float16" } }`. */
const dtypeNameOf = ({ config }: LayerConfig): string => {
  const { dtype } = config;
  const name = isObject(dtype) && isObject(dtype.config) ? dtype.config.name : dtype;
  return typeof name === 'string' ? name : 'float32';
};

/** Graphs take float32 for every type of float. */
const inputType = (layer: LayerConfig): DType => {
  const name = dtypeNameOf(layer);
  return name.includes('float') || !isDType(name) ? 'float32' : name;
};

interface Input {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The inputs by their layers. A sequence without an InputLayer has the shape with its first layer, or in its own settings. */
const inputsOf = (model: BuiltModel, origin: string): readonly Input[] => {
  const first = model.layers[0]?.config;
  const layers = model.inputs.length > 0 || first === undefined ? model.inputs : [first];
  return layers.map((layer) => {
    const { batch_shape: batch = layer.config.batch_input_shape } = layer.config;
    const shape = batch ?? model.config.config.build_input_shape;
    if (!isShape(shape))
      return refuseLayer(layer, origin, `its input has the shape ${show(shape)}; call the model once`);
    const isInput = layer.className === 'InputLayer';
    return {
      name: isInput ? layer.name : `${layer.name}_input`,
      shape: [null, ...shape.slice(1)],
      dtype: layer.className === 'Embedding' ? 'int32' : isInput ? inputType(layer) : 'float32',
    };
  });
};

/** Names of outputs: those of their layers, with a number from the second of a layer on. */
const outputNames = (model: BuiltModel, inputs: readonly Input[]): string[] => {
  const layers = model.outputs.map(({ layer }) => layer);
  const names = layers.length > 0 ? layers : [model.layers.at(-1)?.config.name ?? 'output'];
  const used = new Set([...inputs.map((input) => input.name), ...names]);
  const seen = new Map(inputs.map((input) => [input.name, 1]));
  return names.map((name) => {
    let number = seen.get(name) ?? 0;
    if (number > 0) while (used.has(`${name}_${number}`)) number += 1;
    seen.set(name, number + 1);
    const unique = number === 0 ? name : `${name}_${number}`;
    used.add(unique);
    return unique;
  });
};

const formatCount = (count: number): string => count.toLocaleString('en-US');

const outlineOf = (layer: BuiltLayer): Outline => {
  const { name, className } = layer.config;
  const [outputs = []] = layer.calls;
  const count = layer.parameterCount();
  const remarks = [
    outputs.map(({ shape }) => formatShape(shape)).join(', '),
    ...(count > 0 ? [`${formatCount(count)} parameters`] : []),
    ...(layer.calls.length > 1 ? [`shared by ${layer.calls.length} calls`] : []),
  ];
  const parts = layer.layers?.map(outlineOf);
  return { text: `${name} (${className}): ${remarks.join('; ')}`, ...(parts && { parts }) };
};

/** Notes on types of float that the graph does not keep. */
const notesOf = (layer: BuiltLayer): string[] => {
  const name = dtypeNameOf(layer.config);
  const own = /float/.test(name) && name !== 'float32' ? [name] : [];
  return [...own, ...(layer.layers ?? []).flatMap(notesOf)];
};

const convert = ({ origin, config, weights }: SavedModel): ImportedModel => {
  if (!MODEL_CLASSES.includes(config.className))
    return refuseLayer(
      config,
      origin,
      `it is no ${MODEL_CLASSES.join(', ')} of Keras; build the model from layers of Keras`,
    );
  const graph = createGraph(config.name);
  const model = buildModel(config, weights, createSurroundings(graph, origin));
  const inputs = inputsOf(model, origin);
  const tensors = inputs.map(({ name, shape, dtype }): KerasTensor => {
    graph.input(name, dtype, toDimensions(shape));
    return { value: name, shape, dtype };
  });
  const outputs = model.call(toCall(tensors));
  for (const [index, name] of outputNames(model, inputs).entries()) {
    const output = outputs[index];
    if (output === undefined) return refuseLayer(config, origin, `it has no output ${show(name)}`);
    graph.output(name, output.value, output.dtype, toDimensions(output.shape));
  }
  const types = [...new Set(notesOf(model))].map(
    (type) => `The model computes with ${type}; the graph computes with float32.`,
  );
  return { onnx: graph.toModel(), config: {}, origin, outline: outlineOf(model), notes: types };
};

/**
 * A whole model of Keras 2 or 3, from a `.h5` or `.keras` file. Names of inputs and outputs are those of the layers; images keep their
 * channels last. The model has no task of its own: it serves tensors.
 */
export const importKeras: Importer = async (bytes) => {
  try {
    return await readSavedModel(bytes, convert);
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse(`it cannot be converted: ${messageOf(error).slice(0, 200)}; save the model again with Keras`, error);
  }
};
