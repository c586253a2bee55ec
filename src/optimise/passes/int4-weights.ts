import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import { tensor } from '../../core/tensor.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import { createNode, integer, type OnnxNode } from '../../onnx/node.ts';
import { type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { GraphEditor } from './graph-editor.ts';
import { layerOf } from './layer.ts';

/** Weights that share a scale. */
const BLOCK = 32;

/** The integers of a block, of 4 bits each: value ≈ (integer − 8) × scale. The weight of the largest size becomes 0, which is −8. */
const quantiseBlock = (at: (index: number) => number, packed: Uint8Array): number => {
  let largest = 0;
  for (let index = 0; index < BLOCK; index += 1) if (Math.abs(at(index)) > Math.abs(largest)) largest = at(index);
  const scale = largest === 0 ? 1 : largest / -8;
  for (let index = 0; index < BLOCK; index += 1) {
    const integerValue = Math.max(0, Math.min(15, roundHalfToEven(at(index) / scale) + 8));
    const place = index >> 1;
    packed[place] = (packed[place] ?? 0) | (index % 2 === 1 ? integerValue << 4 : integerValue);
  }
  return scale;
};

const quantise = (weights: Weights, output: string): [values: Weights, scales: Weights] => {
  const [rows = 0, columns = 0] = weights.shape;
  const { data } = weights.read();
  const blocks = Math.ceil(rows / BLOCK);
  const packed = new Uint8Array(columns * blocks * (BLOCK / 2));
  const scales = new Float32Array(columns * blocks);
  for (let index = 0; index < scales.length; index += 1) {
    const [column, row] = [Math.floor(index / blocks), (index % blocks) * BLOCK];
    const at = (offset: number): number => (row + offset < rows ? Number(data[(row + offset) * columns + column]) : 0);
    scales[index] = quantiseBlock(at, packed.subarray(index * (BLOCK / 2), (index + 1) * (BLOCK / 2)));
  }
  return [
    weightsOf(`${output}_int4`, tensor('uint8', [columns, blocks, BLOCK / 2], packed)),
    weightsOf(`${output}_int4_scale`, tensor('float32', [scales.length], scales)),
  ];
};

const findMatrix = (node: OnnxNode, editor: GraphEditor): Weights | undefined => {
  if (node.operator !== 'MatMul' || node.domain !== '') return undefined;
  const found = editor.find(node.inputs[1] ?? '')?.weights;
  return found?.dtype === 'float32' && found.shape.length === 2 ? found : undefined;
};

/**
 * Matrices as 4-bit integers, a scale for each 32 weights of a column, in the operator `MatMulNBits` of onnxruntime.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
 * @param keep layers that stay in float32
 */
export const int4Weights = ({ graph, opsets }: GraphDocument, keep: ReadonlySet<string> = new Set()): GraphDocument => {
  const done = new Map<Weights, readonly [Weights, Weights]>();
  const changed = new GraphEditor(graph).edit((node, editor) => {
    const weights = keep.has(layerOf(node)) ? undefined : findMatrix(node, editor);
    if (weights === undefined) return [node];
    const quantised = done.get(weights) ?? quantise(weights, weights.name);
    done.set(weights, quantised);
    for (const each of quantised) editor.find(weights.name)?.owner.add(each);
    const [rows = 0, columns = 0] = weights.shape;
    const inputs = [node.inputs[0] ?? '', ...quantised.map(({ name }) => name)];
    const attributes = { K: rows, N: columns, bits: 4, block_size: BLOCK, accuracy_level: 4 };
    const typed = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, integer(value)]));
    return [createNode('MatMulNBits', inputs, node.outputs, typed, 'com.microsoft')];
  });
  return { graph: changed, opsets: changed === graph ? opsets : new Map([...opsets, ['com.microsoft', 1]]) };
};
