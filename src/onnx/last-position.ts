import { isDType } from '../core/tensor.ts';
import { longs } from './graph-builder.ts';
import { createNode, type OnnxGraph, type OnnxNode } from './node.ts';
import { encodeValueInfo, weightsOf } from './tensor-proto.ts';
import { readValueInfo } from './value-info.ts';

/** Operators that compute each element alone. */
const ELEMENTWISE = ['Cast', 'Div', 'Mul', 'Tanh', 'Add', 'Identity'];
/** Operators that multiply the last axis of their first input by a matrix. */
const PRODUCTS = ['MatMul', 'MatMulNBits'];

/** The node that keeps the last position, and the inputs of `Slice` in their order: the end is beyond every text. */
const NAME = 'last_position';
const BOUNDS = { start: -1, end: 2 ** 40, axis: 1 };

/** The product of matrices that alone decides `value`; undefined when anything else does. */
const productOf = (graph: OnnxGraph, value: string): OnnxNode | undefined => {
  const { nodes, weights } = graph;
  const node = nodes.find(({ outputs }) => outputs.includes(value));
  if (node === undefined || PRODUCTS.includes(node.operator)) return node;
  const [own, ...others] = node.inputs.filter((input) => input !== '' && !weights.has(input));
  if (!ELEMENTWISE.includes(node.operator) || own === undefined || others.length > 0) return undefined;
  return productOf(graph, own);
};

/**
 * `graph` with the output `name` [N,positions,…] of its last position alone: the product that gives it multiplies one row in the place of all.
 * Returns the same graph where another kind of operator gives the output.
 */
export const withLastPosition = (graph: OnnxGraph, name: string): OnnxGraph => {
  const product = productOf(graph, name);
  const declared = graph.outputs.find((output) => output.name === name);
  const [rows] = product?.inputs ?? [];
  if (product === undefined || declared === undefined || rows === undefined) return graph;
  const { type, shape } = readValueInfo(Buffer.concat([...declared.encoded]));
  if (!isDType(type) || shape?.length !== 3 || shape[1] === 1) return graph;
  const bounds = Object.entries(BOUNDS).map(([bound, value]) => weightsOf(`${NAME}_${bound}`, longs([value])));
  const slice = createNode('Slice', [rows, ...bounds.map((each) => each.name)], [NAME]);
  const last = { ...product, inputs: [NAME, ...product.inputs.slice(1)] };
  const [batch = '', , width = ''] = shape;
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => (node === product ? [slice, last] : [node])),
    weights: new Map([...graph.weights, ...bounds.map((each) => [each.name, each] as const)]),
    outputs: graph.outputs.map((output) =>
      output === declared ? { name, encoded: encodeValueInfo(name, type, [batch, 1, width]) } : output,
    ),
  };
};
