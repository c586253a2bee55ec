import { elementCount, type Tensor, type Tensors } from '../core/tensor.ts';
import type { ModelEdit, ModelParts } from './edit-model.ts';
import type { OnnxModel } from './onnx-model.ts';
import { readIntegers, textOf } from './protobuf.ts';
import { GRAPH, MODEL, TENSOR, VALUE_INFO } from './schema.ts';
import { decodeWeights } from './tensor-proto.ts';

/** From this version of the format on, a weight that is listed among the inputs is the default of an input. */
const LEAST_IR_VERSION = 4n;
/** Exporters also list all weights among the inputs. They have more elements, and stay weights. */
const MOST_ELEMENTS = 1024;

const irVersionOf = ({ fields }: OnnxModel): bigint =>
  readIntegers(fields.findLast(({ number }) => number === MODEL.irVersion)?.value ?? Buffer.alloc(0))[0] ?? 0n;

const carriesJson = ({ dtype, data }: Tensor): boolean =>
  dtype !== 'float16' &&
  ((dtype !== 'float32' && dtype !== 'float64') || data.every((value) => Number.isFinite(value)));

/**
 * The defaults of inputs that a caller may leave out, by name. onnxruntime-node takes no other value for them. There are none in a graph
 * whose defaults have many elements, or one that JSON cannot carry.
 */
export const findDefaults = (model: OnnxModel, { graph }: ModelParts): Tensors => {
  if (irVersionOf(model) < LEAST_IR_VERSION) return {};
  const inputs = new Set(
    graph.filter(({ number }) => number === GRAPH.input).map(({ value }) => textOf(value, VALUE_INFO.name)),
  );
  const listed = graph.filter(
    ({ number, value }) => number === GRAPH.initializer && inputs.has(textOf(value, TENSOR.name)),
  );
  const defaults: Record<string, Tensor> = {};
  let elements = 0;
  for (const { value } of listed) {
    const weights = decodeWeights(value);
    elements += elementCount(weights.shape);
    if (elements > MOST_ELEMENTS || weights.dtype === undefined || weights.external !== undefined) return {};
    const tensor = weights.read();
    if (!carriesJson(tensor)) return {};
    defaults[weights.name] = tensor;
  }
  return defaults;
};

/** Removes the defaults of inputs, which the caller or the server then gives to each run. */
export const withoutDefaults =
  (defaults: Tensors): ModelEdit =>
  (parts) => {
    const isDefault = (name = ''): boolean => Object.hasOwn(defaults, name);
    const graph = parts.graph.filter(
      ({ number, value }) => number !== GRAPH.initializer || !isDefault(textOf(value, TENSOR.name)),
    );
    return graph.length === parts.graph.length ? parts : { ...parts, graph };
  };
