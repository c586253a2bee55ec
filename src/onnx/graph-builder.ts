import { refuse } from '../core/errors.ts';
import { type DType, type Tensor, tensor } from '../core/tensor.ts';
import { type Chunks, sizeOf, toField, toIntegerField } from './chunks.ts';
import { encodeNode } from './encode-graph.ts';
import type { Attributes } from './node.ts';
import { GRAPH, MODEL, OPSET } from './schema.ts';
import { encodeTensor, encodeValueInfo } from './tensor-proto.ts';

/** IR 10 and operator set 21 belong to ONNX 1.16. */
const IR_VERSION = 10;
/** Sets of operators that graphs are built with, by domain. A graph's file names only the sets that it uses. */
const OPSETS = { '': 21, 'ai.onnx.ml': 5, 'com.microsoft': 1 } as const;

export type Domain = keyof typeof OPSETS;

/** The name of a value in the graph: an input, weights, or the output of a node. */
export type Value = string;

/** A graph that is being built. Names are made by it, unless they are given. @throws `MODEL_INVALID` once it is larger than any ONNX file */
export interface GraphBuilder {
  /** An input of the graph; a string in `shape` is a symbolic dimension. */
  input(name: string, dtype: DType, shape: readonly (number | string)[]): Value;
  /** Makes `value` the output `name` of the graph. */
  output(name: string, value: Value, dtype: DType, shape: readonly (number | string)[]): void;
  /** Weights. Equal scalars and vectors of a few elements share one initializer. */
  constant(weights: Tensor): Value;
  /** A node with one output. */
  op(operator: string, inputs: readonly Value[], attributes?: Attributes, domain?: Domain): Value;
  /** A node with `count` outputs. */
  ops(operator: string, count: number, inputs: readonly Value[], attributes?: Attributes, domain?: Domain): Value[];
  /**
   * A graph for an attribute of a node, such as the body of `Loop`. It may use the values of this one by their names. Its weights lie in this
   * one: onnxruntime writes those of a body twice, and does not load what it wrote.
   */
  subgraph(name: string): GraphBuilder;
  /** The fields of the `GraphProto`, for an attribute of the type `graph`. */
  toGraph(): Chunks;
  /** The file of the graph, in pieces. */
  toModel(): Chunks;
}

/** Weights of at most so many elements are shared. */
const SHARED_ELEMENTS = 16;

/** The largest message of Protobuf. */
const MOST_BYTES = 2 ** 31 - 1;

/** Data of a graph and its subgraphs together: names are unique in all of them. */
interface Shared {
  readonly domains: Set<Domain>;
  count: number;
  sizeBytes: number;
}

export const createGraph = (name = 'graph'): GraphBuilder =>
  buildGraph(name, { domains: new Set(['']), count: 0, sizeBytes: 0 });

/** Adds a field while there is room: a model may hold an array many times, and its file would be found too large when memory is spent. */
const addField = (all: Shared, to: Uint8Array[], number: number, content: Chunks): void => {
  const field = toField(number, content);
  all.sizeBytes += sizeOf(field);
  if (all.sizeBytes > MOST_BYTES)
    refuse('MODEL_INVALID', 'its graph would take more than 2.1 GB, at which an ONNX file ends: fit a smaller model');
  to.push(...field);
};

/** Adds weights, of which small and equal ones share one initializer. */
const sharing = (addWeights: GraphBuilder['constant']): GraphBuilder['constant'] => {
  const shared = new Map<string, Value>();
  return (content) => {
    if (content.data.length > SHARED_ELEMENTS) return addWeights(content);
    const key = JSON.stringify([content.dtype, content.shape, Array.from(content.data, keyOfElement)]);
    const value = shared.get(key) ?? addWeights(content);
    shared.set(key, value);
    return value;
  };
};

const buildGraph = (name: string, all: Shared, outer?: Pick<GraphBuilder, 'constant'>): GraphBuilder => {
  const nodes: Uint8Array[] = [];
  const weights: Uint8Array[] = [];
  const inputs: Uint8Array[] = [];
  const outputs: Uint8Array[] = [];
  const { domains } = all;
  const nameOf = (what: string): string => `${what}_${all.count++}`;

  const addNode: GraphBuilder['ops'] = (operator, size, from, attributes = {}, domain = '') => {
    const made = Array.from({ length: size }, () => nameOf(operator));
    addNamed(operator, from, made, attributes, domain);
    return made;
  };
  const addNamed = (operator: string, from: readonly Value[], to: Value[], attributes: Attributes, domain: Domain) => {
    domains.add(domain);
    const node = { operator, domain, name: `node_${to[0]}`, inputs: from, outputs: to, attributes };
    addField(all, nodes, GRAPH.node, encodeNode(node));
  };
  const addWeights = (content: Tensor): Value => {
    const value = nameOf('weights');
    addField(all, weights, GRAPH.initializer, encodeTensor(content, value));
    return value;
  };

  const constant = outer?.constant ?? sharing(addWeights);

  const toGraph = (): Chunks => [...nodes, ...toField(GRAPH.name, name), ...weights, ...inputs, ...outputs];

  return {
    input(value, dtype, shape) {
      inputs.push(...toField(GRAPH.input, encodeValueInfo(value, dtype, shape)));
      return value;
    },
    output(to, value, dtype, shape) {
      addNamed('Identity', [value], [to], {}, '');
      outputs.push(...toField(GRAPH.output, encodeValueInfo(to, dtype, shape)));
    },
    constant,
    op: (operator, from, attributes, domain) => addNode(operator, 1, from, attributes, domain)[0] ?? '',
    ops: addNode,
    subgraph: (of) => buildGraph(of, all, { constant }),
    toGraph,
    toModel: () => [
      ...toIntegerField(MODEL.irVersion, IR_VERSION),
      ...toField(MODEL.producer, 'onnx-serverless'),
      ...toField(MODEL.graph, toGraph()),
      ...[...domains].flatMap((domain) =>
        toField(MODEL.opsetImport, [
          ...toField(OPSET.domain, domain),
          ...toIntegerField(OPSET.version, OPSETS[domain]),
        ]),
      ),
    ],
  };
};

/** Tells NaN, infinities and -0 from each other and from 0. */
const keyOfElement = (value: number | bigint | string): string =>
  Object.is(value, -0) ? '-0' : `${typeof value}:${value}`;

/** `values` as float64 weights. */
export const doubles = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
  tensor('float64', shape, Float64Array.from(values));

/** `values` as float32 weights, each rounded to nearest. */
export const singles = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
  tensor('float32', shape, Float32Array.from(values));

/** `values` as a vector of int64, the type of axes, sizes and indices. */
export const longs = (values: ArrayLike<number>): Tensor =>
  tensor('int64', [values.length], BigInt64Array.from(Array.from(values, BigInt)));
