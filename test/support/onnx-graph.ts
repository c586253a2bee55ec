import { type Chunks, toField, toIntegerField } from '../../src/onnx/chunks.ts';
import { ATTRIBUTE, FUNCTION, GRAPH, MODEL, NODE, OPSET, TENSOR } from '../../src/onnx/schema.ts';
import { DATA_TYPES, encodeValueInfo } from '../../src/onnx/tensor-proto.ts';

const IR_VERSION = 8;
const OPSET_VERSION = 17;
/** Domains of operators besides ONNX's own, with the version that the graphs here use. */
const DOMAINS: Readonly<Record<string, number>> = { '': OPSET_VERSION, 'ai.onnx.ml': 3, 'com.microsoft': 1, local: 1 };

/** Numbers of `AttributeProto.AttributeType`. */
const ATTRIBUTE_TYPES = { integer: 2, tensor: 4, graph: 5, integers: 7 } as const;

type DataType = 'float32' | 'uint8' | 'int8' | 'int64' | 'bool';

/** An input, an output, or weights: its data type and sizes; a string is a symbolic dimension. */
export interface GraphTensor {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly (number | string)[];
  /** The content of weights. */
  readonly data?: ArrayBufferView;
}

export interface GraphNode {
  readonly operator: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[] | GraphTensor | SmallGraph>>;
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

const texts = (field: number, values: readonly string[]): Chunks => values.flatMap((value) => toField(field, value));

const toValueInfo = (field: number, { name, dtype, shape }: GraphTensor): Chunks =>
  toField(field, encodeValueInfo(name, dtype, shape));

const toWeights = (field: number, { name, dtype, shape, data = new Uint8Array() }: GraphTensor): Chunks =>
  toField(field, [
    ...shape.flatMap((size) => toIntegerField(TENSOR.dimensions, Number(size))),
    ...toIntegerField(TENSOR.dataType, DATA_TYPES[dtype]),
    ...toField(TENSOR.name, name),
    ...toField(TENSOR.rawData, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  ]);

const toAttribute = (name: string, value: number | readonly number[] | GraphTensor | SmallGraph): Chunks => {
  const typed = (type: keyof typeof ATTRIBUTE_TYPES, content: Chunks): Chunks =>
    toField(NODE.attribute, [
      ...toField(ATTRIBUTE.name, name),
      ...content,
      ...toIntegerField(ATTRIBUTE.type, ATTRIBUTE_TYPES[type]),
    ]);
  if (typeof value === 'number') return typed('integer', toIntegerField(ATTRIBUTE.integer, value));
  if ('nodes' in value) return typed('graph', toField(ATTRIBUTE.graph, graphParts(value)));
  if ('dtype' in value) return typed('tensor', toWeights(ATTRIBUTE.tensor, value));
  return typed(
    'integers',
    value.flatMap((each) => toIntegerField(ATTRIBUTE.integers, each)),
  );
};

const toNode = (field: number, { operator, domain, inputs, outputs, attributes = {} }: GraphNode): Chunks =>
  toField(field, [
    ...texts(NODE.input, inputs),
    ...texts(NODE.output, outputs),
    ...toField(NODE.operator, operator),
    ...Object.entries(attributes).flatMap(([name, value]) => toAttribute(name, value)),
    ...(domain === undefined ? [] : toField(NODE.domain, domain)),
  ]);

const graphParts = ({ inputs = [], outputs, nodes, weights = [] }: SmallGraph): Chunks => [
  ...nodes.flatMap((node) => toNode(GRAPH.node, node)),
  ...toField(GRAPH.name, 'graph'),
  ...weights.flatMap((each) => toWeights(GRAPH.initializer, each)),
  ...inputs.flatMap((each) => toValueInfo(GRAPH.input, each)),
  ...outputs.flatMap((each) => toValueInfo(GRAPH.output, each)),
];

const toOpset = (field: number, domain: string, version: number): Chunks =>
  toField(field, [...toField(OPSET.domain, domain), ...toIntegerField(OPSET.version, version)]);

const toFunction = ({ name, inputs, outputs, nodes }: GraphFunction): Chunks =>
  toField(MODEL.function, [
    ...toField(FUNCTION.name, name),
    ...texts(FUNCTION.input, inputs),
    ...texts(FUNCTION.output, outputs),
    ...nodes.flatMap((node) => toNode(FUNCTION.node, node)),
    ...Object.entries(DOMAINS).flatMap(([domain, version]) => toOpset(FUNCTION.opsetImport, domain, version)),
    ...toField(FUNCTION.domain, 'local'),
  ]);

/** The bytes of an ONNX file with `graph`. */
export const toOnnxFile = (graph: SmallGraph, functions: readonly GraphFunction[] = []): Buffer =>
  Buffer.concat([
    ...toIntegerField(MODEL.irVersion, IR_VERSION),
    ...toField(MODEL.graph, graphParts(graph)),
    ...Object.entries(DOMAINS).flatMap(([domain, version]) => toOpset(MODEL.opsetImport, domain, version)),
    ...functions.flatMap(toFunction),
  ]);
