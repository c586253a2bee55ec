import { toField } from '../../src/onnx/protobuf.ts';
import {
  ATTRIBUTE,
  DIMENSION,
  FUNCTION,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from '../../src/onnx/schema.ts';

const IR_VERSION = 8;
const OPSET_VERSION = 17;
/** Domains of operators besides ONNX's own, with the version that the graphs here use. */
const DOMAINS: Readonly<Record<string, number>> = { '': OPSET_VERSION, 'ai.onnx.ml': 3, 'com.microsoft': 1, local: 1 };

/** Numbers of `TensorProto.DataType`. */
const DATA_TYPES = { float32: 1, uint8: 2, int8: 3, int64: 7, string: 8, bool: 9 } as const;
/** Numbers of `AttributeProto.AttributeType`. */
const ATTRIBUTE_TYPES = { integer: 2, text: 3, tensor: 4, graph: 5, integers: 7, texts: 8 } as const;

type DataType = keyof typeof DATA_TYPES;

/** An input, an output, or weights: its data type and sizes; a string is a symbolic dimension. */
export interface GraphTensor {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly (number | string)[];
  /** The content of weights. */
  readonly data?: ArrayBufferView;
}

type AttributeValue = number | string | readonly number[] | readonly string[] | GraphTensor | SmallGraph;

export interface GraphNode {
  readonly operator: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

export interface SmallGraph {
  readonly inputs?: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  readonly nodes: readonly GraphNode[];
  readonly weights?: readonly GraphTensor[];
}

/** A function of the model, in the domain `local`. */
export interface GraphFunction {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly GraphNode[];
}

const message = (field: number, ...parts: readonly Buffer[]): Buffer => toField(field, Buffer.concat(parts));
const text = (field: number, value: string): Buffer => toField(field, Buffer.from(value));
const texts = (field: number, values: readonly string[]): Buffer[] => values.map((value) => text(field, value));

const toDimension = (size: number | string): Buffer =>
  message(SHAPE.dimension, typeof size === 'number' ? toField(DIMENSION.value, size) : text(DIMENSION.parameter, size));

const toValueInfo = (field: number, { name, dtype, shape }: GraphTensor): Buffer => {
  const elementType = toField(TENSOR_TYPE.elementType, DATA_TYPES[dtype]);
  const tensor = message(TYPE.tensor, elementType, message(TENSOR_TYPE.shape, ...shape.map(toDimension)));
  return message(field, text(VALUE_INFO.name, name), message(VALUE_INFO.type, tensor));
};

const toWeights = (field: number, { name, dtype, shape, data = new Uint8Array() }: GraphTensor): Buffer =>
  message(
    field,
    ...shape.map((size) => toField(TENSOR.dimensions, Number(size))),
    toField(TENSOR.dataType, DATA_TYPES[dtype]),
    text(TENSOR.name, name),
    toField(TENSOR.rawData, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  );

const isTexts = (value: readonly number[] | readonly string[]): value is readonly string[] =>
  typeof value[0] === 'string';

const toAttribute = (name: string, value: AttributeValue): Buffer => {
  const typed = (type: keyof typeof ATTRIBUTE_TYPES, ...content: readonly Buffer[]): Buffer =>
    message(NODE.attribute, text(ATTRIBUTE.name, name), ...content, toField(ATTRIBUTE.type, ATTRIBUTE_TYPES[type]));
  if (typeof value === 'number') return typed('integer', toField(ATTRIBUTE.integer, value));
  if (typeof value === 'string') return typed('text', text(ATTRIBUTE.text, value));
  if ('nodes' in value) return typed('graph', message(ATTRIBUTE.graph, ...graphParts(value)));
  if ('dtype' in value) return typed('tensor', toWeights(ATTRIBUTE.tensor, value));
  if (isTexts(value)) return typed('texts', ...texts(ATTRIBUTE.strings, value));
  return typed('integers', ...value.map((each) => toField(ATTRIBUTE.integers, each)));
};

const toNode = (field: number, { operator, domain, inputs, outputs, attributes = {} }: GraphNode): Buffer =>
  message(
    field,
    ...texts(NODE.input, inputs),
    ...texts(NODE.output, outputs),
    text(NODE.operator, operator),
    ...Object.entries(attributes).map(([name, value]) => toAttribute(name, value)),
    ...(domain === undefined ? [] : [text(NODE.domain, domain)]),
  );

const graphParts = ({ inputs = [], outputs, nodes, weights = [] }: SmallGraph): Buffer[] => [
  ...nodes.map((node) => toNode(GRAPH.node, node)),
  text(GRAPH.name, 'graph'),
  ...weights.map((each) => toWeights(GRAPH.initializer, each)),
  ...inputs.map((each) => toValueInfo(GRAPH.input, each)),
  ...outputs.map((each) => toValueInfo(GRAPH.output, each)),
];

const toOpset = (field: number, domain: string, version: number): Buffer =>
  message(field, text(OPSET.domain, domain), toField(OPSET.version, version));

const toFunction = ({ name, inputs, outputs, nodes }: GraphFunction): Buffer =>
  message(
    MODEL.function,
    text(FUNCTION.name, name),
    ...texts(FUNCTION.input, inputs),
    ...texts(FUNCTION.output, outputs),
    ...nodes.map((node) => toNode(FUNCTION.node, node)),
    ...Object.entries(DOMAINS).map(([domain, version]) => toOpset(FUNCTION.opsetImport, domain, version)),
    text(FUNCTION.domain, 'local'),
  );

/** The bytes of an ONNX file with `graph`. */
export const toOnnxFile = (graph: SmallGraph, functions: readonly GraphFunction[] = []): Buffer =>
  Buffer.concat([
    toField(MODEL.irVersion, IR_VERSION),
    message(MODEL.graph, ...graphParts(graph)),
    ...Object.entries(DOMAINS).map(([domain, version]) => toOpset(MODEL.opsetImport, domain, version)),
    ...functions.map(toFunction),
  ]);
