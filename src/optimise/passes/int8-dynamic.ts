import { tensor } from '../../core/tensor.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import { createNode, integer, integerOf, type OnnxNode } from '../../onnx/node.ts';
import { DATA_TYPES, type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { type FoundWeights, GraphEditor } from './graph-editor.ts';
import { layerOf } from './layer.ts';
import {
  type Bits,
  type QuantisedNames,
  type QuantisedWeights,
  quantisedNames,
  quantiseWeights,
} from './quantise-weights.ts';
import { readFloats } from './read-floats.ts';
import { quantiseUnsigned } from './unsigned.ts';

/** The place of the weights among the inputs of the operators whose weights become 8-bit integers. */
const WEIGHTS_INPUT: Readonly<Record<string, number>> = { MatMul: 1, Gemm: 1, Gather: 0 };

/** `alpha`, `beta` and `transA` at their defaults: then `Gemm` is a product and a sum. */
export const isPlainGemm = (node: OnnxNode): boolean =>
  ['alpha', 'beta'].every((name) => {
    const attribute = node.attributes[name];
    return attribute?.type === 'float' ? attribute.value === 1 : true;
  }) && integerOf(node, 'transA', 0) === 0;

/** The float32 matrix of a node that can become integers. */
const findMatrix = (node: OnnxNode, editor: GraphEditor): FoundWeights | undefined => {
  const place = node.domain === '' ? WEIGHTS_INPUT[node.operator] : undefined;
  const found = place === undefined ? undefined : editor.find(node.inputs[place] ?? '');
  if (found?.weights.dtype !== 'float32' || found.weights.shape.length !== 2) return undefined;
  if (node.operator === 'Gemm' && !isPlainGemm(node)) return undefined;
  return node.operator === 'Gather' && integerOf(node, 'axis', 0) !== 0 ? undefined : found;
};

const transpose = (weights: Weights): Weights => {
  const [rows = 0, columns = 0] = weights.shape;
  const from = readFloats(weights);
  const to = new Float32Array(from.length);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) to[column * rows + row] = from[row * columns + column] ?? 0;
  return weightsOf(`${weights.name}_transposed`, tensor('float32', [columns, rows], to));
};

/** The rows of a table meet no products: unsigned integers of one scale are the closest. */
const quantiseTable = (weights: Weights): Pick<QuantisedWeights, 'names' | 'all'> => {
  const names = quantisedNames(`${weights.name}_table`);
  const { all, parameters } = quantiseUnsigned(weights, names.values);
  const scale = weightsOf(names.scales, tensor('float32', [], Float32Array.of(parameters.scale)));
  const zeroPoint = weightsOf(names.zeroPoints, tensor('uint8', [], Uint8Array.of(parameters.zeroPoint)));
  return { names, all: [all, scale, zeroPoint] };
};

/** Uses of a matrix, each with the integers for it. */
const USES = {
  product: (weights: Weights, bits: Bits) => quantiseWeights(weights, bits, 1),
  transposedProduct: (weights: Weights, bits: Bits) => quantiseWeights(transpose(weights), bits, 1),
  table: quantiseTable,
} as const;

type Use = keyof typeof USES;

const useOf = (node: OnnxNode): Use => {
  if (node.operator === 'Gather') return 'table';
  return integerOf(node, 'transB', 0) === 1 ? 'transposedProduct' : 'product';
};

/** Quantises weights once for each use. */
const createWeightsQuantiser = (bits: Bits) => {
  const done = new Map<Weights, Partial<Record<Use, QuantisedNames>>>();
  return ({ owner, weights }: FoundWeights, use: Use): QuantisedNames => {
    const known = done.get(weights) ?? {};
    if (known[use] !== undefined) return known[use];
    const { names, all } = USES[use](weights, bits);
    for (const each of all) owner.add(each);
    done.set(weights, { ...known, [use]: names });
    return names;
  };
};

/** Quantises an activation once for each graph. Names are unique, also among the graphs within nodes. */
const createActivationQuantiser = () => {
  const activations = new Map<GraphEditor, Map<string, QuantisedNames>>();
  let count = 0;
  return (input: string, editor: GraphEditor): [names: QuantisedNames, before: OnnxNode[]] => {
    const known = activations.get(editor) ?? new Map<string, QuantisedNames>();
    activations.set(editor, known);
    const found = known.get(input);
    if (found !== undefined) return [found, []];
    const names = quantisedNames(`${input}_dynamic_${count++}`);
    known.set(input, names);
    return [names, [createNode('DynamicQuantizeLinear', [input], [names.values, names.scales, names.zeroPoints])]];
  };
};

const toProduct = (node: OnnxNode, activation: QuantisedNames, matrix: QuantisedNames): OnnxNode[] => {
  const [, , bias] = node.inputs;
  const [output = ''] = node.outputs;
  const to = bias ? `${output}_product` : output;
  const factors = [activation.values, matrix.values, activation.zeroPoints, matrix.zeroPoints];
  return [
    createNode('MatMulInteger', factors, [`${to}_integer`]),
    createNode('Cast', [`${to}_integer`], [`${to}_float`], { to: integer(DATA_TYPES.float32) }),
    createNode('Mul', [activation.scales, matrix.scales], [`${to}_scales`]),
    createNode('Mul', [`${to}_float`, `${to}_scales`], [to]),
    ...(bias ? [createNode('Add', [to, bias], [output])] : []),
  ];
};

const toLookUp = (node: OnnxNode, { values, scales, zeroPoints }: QuantisedNames): OnnxNode[] => {
  const [, indices = ''] = node.inputs;
  const [output = ''] = node.outputs;
  return [
    { ...node, inputs: [values, indices], outputs: [`${output}_integer`] },
    createNode('DequantizeLinear', [`${output}_integer`, scales, zeroPoints], [output]),
  ];
};

/**
 * Matrices as 8-bit integers, a scale for each column; the activations before them become integers while the graph runs. Embeddings
 * are unsigned 8-bit integers with one scale. It does as `quantize_dynamic` of Python's onnxruntime does with `per_channel=True`. Operators of
 * other sets, such as `Attention` of onnxruntime, stay in float32.
 * https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
 * @param keep layers that stay in float32
 */
export const dynamicInt8 = (
  { graph, opsets }: GraphDocument,
  bits: Bits,
  keep: ReadonlySet<string> = new Set(),
): GraphDocument => {
  const quantise = createWeightsQuantiser(bits);
  const quantiseActivation = createActivationQuantiser();
  const changed = new GraphEditor(graph).edit((node, editor) => {
    const found = keep.has(layerOf(node)) ? undefined : findMatrix(node, editor);
    if (found === undefined) return [node];
    const matrix = quantise(found, useOf(node));
    if (node.operator === 'Gather') return toLookUp(node, matrix);
    const [activation, before] = quantiseActivation(node.inputs[0] ?? '', editor);
    return [...before, ...toProduct(node, activation, matrix)];
  });
  return { graph: changed, opsets };
};
