import { elementCount, tensor } from '../../core/tensor.ts';
import type { OnnxGraph, OnnxNode } from '../../onnx/node.ts';
import { weightsOf } from '../../onnx/tensor-proto.ts';
import { countReads } from './edit-names.ts';
import { GraphEditor } from './graph-editor.ts';
import type { Pass } from './pass.ts';
import { readFloats } from './read-floats.ts';

/** Each convolution whose output a `BatchNormalization` alone reads, by the name of that output. */
const findPairs = (graph: OnnxGraph): ReadonlyMap<string, OnnxNode> => {
  const reads = countReads(graph);
  const norms = graph.nodes.filter(
    ({ operator, outputs }) => operator === 'BatchNormalization' && outputs.length === 1,
  );
  return new Map(
    norms.flatMap((norm): [string, OnnxNode][] => {
      const [input = ''] = norm.inputs;
      return reads.get(input) === 1 ? [[input, norm]] : [];
    }),
  );
};

/**
 * Batch norms behind convolutions become part of their weights: y = (conv(x) − mean) × scale ÷ √(variance + ε) + bias.
 * Convolutions of other shapes, and those whose weights the graph computes, stay.
 */
export const foldBatchNorms: Pass = ({ graph, opsets }) => {
  const pairs = findPairs(graph);
  const folded = new Set<OnnxNode>();

  const fold = (conv: OnnxNode, norm: OnnxNode, editor: GraphEditor): OnnxNode | undefined => {
    const [kernel, bias] = [conv.inputs[1], conv.inputs[2]].map((name) => editor.find(name ?? '')?.weights);
    const parameters = norm.inputs.slice(1).flatMap((name) => editor.find(name)?.weights ?? []);
    const all = [kernel, ...(conv.inputs[2] ? [bias] : []), ...parameters];
    if (kernel === undefined || parameters.length !== 4 || all.some((each) => each?.dtype !== 'float32'))
      return undefined;
    const [scale = [], shift = [], mean = [], variance = []] = parameters.map(readFloats);
    const epsilon = norm.attributes.epsilon?.type === 'float' ? norm.attributes.epsilon.value : 1e-5;
    const factors = Float64Array.from(scale, (value, index) => value / Math.sqrt((variance[index] ?? 0) + epsilon));
    const each = elementCount(kernel.shape.slice(1));
    const values = readFloats(kernel).map((value, index) => value * (factors[Math.floor(index / each)] ?? 1));
    const before = bias ? readFloats(bias) : new Float32Array(factors.length);
    const biases = before.map(
      (value, index) => (value - (mean[index] ?? 0)) * (factors[index] ?? 1) + (shift[index] ?? 0),
    );
    const [output = ''] = norm.outputs;
    const names = [`${output}_kernel`, `${output}_bias`] as const;
    editor.add(weightsOf(names[0], tensor('float32', kernel.shape, values)));
    editor.add(weightsOf(names[1], tensor('float32', [biases.length], biases)));
    folded.add(norm);
    return { ...conv, inputs: [conv.inputs[0] ?? '', ...names], outputs: [output] };
  };

  const changed = new GraphEditor(graph).edit((node, editor) => {
    if (folded.has(node)) return [];
    const norm = node.operator === 'Conv' ? pairs.get(node.outputs[0] ?? '') : undefined;
    return [(norm && fold(node, norm, editor)) ?? node];
  });
  return { graph: changed, opsets };
};
