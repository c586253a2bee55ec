import { allocate, elementCount, tensor } from '../core/tensor.ts';
import type { GraphDocument } from '../onnx/graph-document.ts';
import { type Attributes, integer, integerOf, type OnnxNode } from '../onnx/node.ts';
import { DATA_TYPES, type Weights, weightsOf } from '../onnx/tensor-proto.ts';
import { type FoundWeights, GraphEditor } from './graph-editor.ts';
import { type QuantisedNames, quantiseWeights } from './quantise-weights.ts';

export interface DynamicOptions {
  /** 7 where the processor may lack VNNI: products of 8-bit integers overflow the 16-bit sums of AVX2. */
  readonly bits: 7 | 8;
  /** Names of nodes that stay in float32. */
  readonly keep?: ReadonlySet<string>;
}

/** A node of ONNX itself with one output. */
const toNode = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
): OnnxNode => ({
  ...{ operator, domain: '', name: `${operator}_${output}`, inputs, outputs: [output], attributes },
});

/** The place of the weights among the inputs of the operators whose weights become 8-bit integers. */
const WEIGHTS_INPUT: Readonly<Record<string, number>> = { MatMul: 1, Gemm: 1, Gather: 0 };

/** `alpha`, `beta` and `transA` at their defaults: then `Gemm` is a product and a sum. */
const isPlainGemm = ({ attributes }: OnnxNode): boolean =>
  ['alpha', 'beta'].every((name) => (attributes[name]?.type === 'float' ? attributes[name].value === 1 : true)) &&
  attributes.transA === undefined;

/** The float32 matrix of a node that can become integers. */
const findMatrix = (node: OnnxNode, editor: GraphEditor): FoundWeights | undefined => {
  const place = node.domain === '' ? WEIGHTS_INPUT[node.operator] : undefined;
  const found = place === undefined ? undefined : editor.find(node.inputs[place] ?? '');
  const { dtype, shape, external } = found?.weights ?? {};
  if (dtype !== 'float32' || shape?.length !== 2 || external !== undefined) return undefined;
  return node.operator === 'Gemm' && !isPlainGemm(node) ? undefined : found;
};

/** The names of the nodes that `dynamicInt8` changes, in the order of the graph. */
export const findDynamicNodes = ({ graph }: GraphDocument): string[] => {
  const names: string[] = [];
  new GraphEditor(graph).edit((node, editor) => {
    if (findMatrix(node, editor) !== undefined) names.push(node.name);
    return [node];
  });
  return names;
};

const transpose = (weights: Weights): Weights => {
  const [rows = 0, columns = 0] = weights.shape;
  const from = weights.read().data;
  const to = allocate('float32', elementCount(weights.shape));
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) to[column * rows + row] = Number(from[row * columns + column]);
  return weightsOf(`${weights.name}_transposed`, tensor('float32', [columns, rows], to));
};

/**
 * Matrices as 8-bit integers, a scale for each column; the activations before them become integers while the graph runs. Embeddings
 * are 8-bit integers with one scale. It does as `quantize_dynamic` of Python's onnxruntime does with `per_channel=True`.
 * https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
 */
export const dynamicInt8 = ({ graph, opsets }: GraphDocument, { bits, keep }: DynamicOptions): GraphDocument => {
  const done = new Map<Weights, QuantisedNames>();
  const quantise = ({ owner, weights }: FoundWeights, isTransposed: boolean, axis?: number): QuantisedNames => {
    const known = done.get(weights);
    if (known !== undefined) return known;
    const { names, all } = quantiseWeights(isTransposed ? transpose(weights) : weights, bits, axis);
    for (const each of all) owner.add(each);
    done.set(weights, names);
    return names;
  };
  const activations = new Map<GraphEditor, Map<string, QuantisedNames>>();
  let count = 0;
  /** `DynamicQuantizeLinear` of an activation, once for each graph. Its names are unique, also among the graphs within nodes. */
  const quantiseActivation = (input: string, editor: GraphEditor): [QuantisedNames, OnnxNode[]] => {
    const known = activations.get(editor) ?? new Map<string, QuantisedNames>();
    activations.set(editor, known);
    const found = known.get(input);
    if (found !== undefined) return [found, []];
    const prefix = `${input}_dynamic_${count++}`;
    const names = { values: `${prefix}_quantized`, scales: `${prefix}_scale`, zeroPoints: `${prefix}_zero_point` };
    known.set(input, names);
    return [names, [{ ...toNode('DynamicQuantizeLinear', [input], prefix), outputs: Object.values(names) }]];
  };

  const product = (node: OnnxNode, editor: GraphEditor, names: QuantisedNames): OnnxNode[] => {
    const [input = '', , bias] = node.inputs;
    const [output = ''] = node.outputs;
    const to = bias ? `${output}_product` : output;
    const [activation, before] = quantiseActivation(input, editor);
    return [
      ...before,
      toNode(
        'MatMulInteger',
        [activation.values, names.values, activation.zeroPoints, names.zeroPoints],
        `${to}_integer`,
      ),
      toNode('Cast', [`${to}_integer`], `${to}_float`, { to: integer(DATA_TYPES.float32) }),
      toNode('Mul', [activation.scales, names.scales], `${to}_scales`),
      toNode('Mul', [`${to}_float`, `${to}_scales`], to),
      ...(bias ? [toNode('Add', [to, bias], output)] : []),
    ];
  };

  const embedding = (node: OnnxNode, { values, scales, zeroPoints }: QuantisedNames): OnnxNode[] => {
    const [, indices = ''] = node.inputs;
    const [output = ''] = node.outputs;
    return [
      { ...node, inputs: [values, indices], outputs: [`${output}_integer`] },
      toNode('DequantizeLinear', [`${output}_integer`, scales, zeroPoints], output),
    ];
  };

  const changed = new GraphEditor(graph).edit((node, editor) => {
    const found = keep?.has(node.name) ? undefined : findMatrix(node, editor);
    if (found === undefined) return [node];
    if (node.operator === 'Gather') return embedding(node, quantise(found, false));
    return product(node, editor, quantise(found, integerOf(node, 'transB', 0) === 1, 1));
  });
  return { graph: changed, opsets };
};
