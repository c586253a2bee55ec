import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import { tensor } from '../../core/tensor.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import { createNode, integer, integerOf, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';
import { type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { namesReadBy, renameReads } from './edit-names.ts';
import { type Bits, quantisedNames, quantiseWeights } from './quantise-weights.ts';
import { readFloats } from './read-floats.ts';
import { isWeighted, operandsOf, planStatic } from './static-plan.ts';
import { type Parameters, quantiseUnsigned, type Ranges } from './unsigned.ts';

export interface StaticOptions {
  readonly bits: Bits;
  readonly ranges: Ranges;
  /** Layers that stay in float32. */
  readonly keep?: ReadonlySet<string>;
}

const dequantised = (name: string): string => `${name}_dequantized`;

/** The dimension of a weighted node's weights that has a scale for each index; undefined where they share one. */
const axisOf = (node: OnnxNode, { shape }: Weights): number | undefined => {
  if (node.operator === 'Conv') return 0;
  if (node.operator === 'Gemm') return integerOf(node, 'transB', 0) === 1 ? 0 : 1;
  return shape.length === 2 ? 1 : undefined;
};

/** Collects the weights of a graph that is being quantised, and the nodes that make floats of them. */
class StaticWeights {
  readonly all = new Map<string, Weights>();
  readonly nodes: OnnxNode[] = [];
  readonly #scales = new Map<string, Float32Array>();

  /** Signed integers for the weights of a weighted node. Returns the name of their floats. */
  matrix(weights: Weights, bits: Bits, axis: number | undefined): string {
    const to = dequantised(`${weights.name}_weights`);
    if (this.#scales.has(to)) return to;
    const { names, all, scales } = quantiseWeights(weights, bits, axis);
    this.#scales.set(to, scales);
    this.#dequantise(all, Object.values(names), to, axis);
    return to;
  }

  /** Unsigned integers for the weights of another node. */
  operand(weights: Weights): string {
    const to = dequantised(weights.name);
    if (this.#scales.has(to)) return to;
    const { values: name } = quantisedNames(weights.name);
    const { all, parameters } = quantiseUnsigned(weights, name);
    this.#scales.set(to, Float32Array.of(parameters.scale));
    this.#dequantise([all], [name, ...this.parameters(weights.name, parameters)], to);
    return to;
  }

  /** 32-bit integers for a bias, whose scale is that of the products. */
  bias(weights: Weights, matrix: string, scale: number, output: string): string {
    const scales = this.#scales.get(matrix) ?? new Float32Array(1);
    const values = readFloats(weights);
    const products = values.map((_, index) => scale * (scales[index] ?? scales[0] ?? 1));
    const integers = Int32Array.from(values, (value, index) => roundHalfToEven(value / (products[index] ?? 1)));
    const names = quantisedNames(`${output}_bias`);
    const all = [
      weightsOf(names.values, tensor('int32', weights.shape, integers)),
      weightsOf(names.scales, tensor('float32', weights.shape, products)),
      weightsOf(names.zeroPoints, tensor('int32', weights.shape, new Int32Array(integers.length))),
    ];
    const to = dequantised(`${output}_bias`);
    this.#dequantise(all, Object.values(names), to, 0);
    return to;
  }

  /** The names of the scale and the zero point of a tensor. */
  parameters(name: string, { scale, zeroPoint }: Parameters): [scale: string, zeroPoint: string] {
    const { scales, zeroPoints } = quantisedNames(name);
    this.#add(weightsOf(scales, tensor('float32', [], Float32Array.of(scale))));
    this.#add(weightsOf(zeroPoints, tensor('uint8', [], Uint8Array.of(zeroPoint))));
    return [scales, zeroPoints];
  }

  #add(weights: Weights): void {
    this.all.set(weights.name, weights);
  }

  #dequantise(all: readonly Weights[], inputs: readonly string[], to: string, axis?: number): void {
    for (const each of all) this.#add(each);
    this.nodes.push(createNode('DequantizeLinear', inputs, [to], axis === undefined ? {} : { axis: integer(axis) }));
  }
}

/** A chosen node with its weights as integers. */
const withWeights = (
  node: OnnxNode,
  graph: OnnxGraph,
  bits: Bits,
  made: StaticWeights,
  parameters: ReadonlyMap<string, Parameters>,
): OnnxNode => {
  const inputs = [...node.inputs];
  for (const [place, name] of operandsOf(node).entries()) {
    const weights = graph.weights.get(name);
    if (weights === undefined) continue;
    const isMatrix = isWeighted(node) && place === 1;
    inputs[place] = isMatrix ? made.matrix(weights, bits, axisOf(node, weights)) : made.operand(weights);
  }
  const bias = isWeighted(node) ? graph.weights.get(node.inputs[2] ?? '') : undefined;
  const scale = parameters.get(node.inputs[0] ?? '')?.scale;
  const isInteger = graph.weights.has(node.inputs[1] ?? '') && scale !== undefined && bias?.shape.length === 1;
  if (bias && isInteger) inputs[2] = made.bias(bias, inputs[1] ?? '', scale, node.outputs[0] ?? '');
  return { ...node, inputs };
};

/** `QuantizeLinear` and `DequantizeLinear` of the tensor `from`, whose floats are `to`. */
const toPair = (name: string, parameters: Parameters, made: StaticWeights, from: string, to: string): OnnxNode[] => {
  const { values } = quantisedNames(name);
  const about = made.parameters(name, parameters);
  return [
    createNode('QuantizeLinear', [from, ...about], [values]),
    createNode('DequantizeLinear', [values, ...about], [to]),
  ];
};

/**
 * Weights and activations as 8-bit integers, with ranges that were measured on samples: each tensor passes `QuantizeLinear` and
 * `DequantizeLinear`, which the runtime melts into operators of integers. Activations are unsigned, weights signed with a scale for each
 * channel, biases of 32 bits. It does as `quantize_static` of Python's onnxruntime does with `QuantFormat.QDQ` and `per_channel=True`.
 * Graphs within nodes stay in float32.
 */
export const staticInt8 = (
  { graph, opsets }: GraphDocument,
  { bits, ranges, keep = new Set() }: StaticOptions,
): GraphDocument => {
  const plan = planStatic(graph, ranges, keep);
  const made = new StaticWeights();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const names = new Map(
    [...plan.parameters.keys()].filter((name) => !outputs.has(name)).map((name) => [name, dequantised(name)]),
  );
  const pairOf = (name: string): OnnxNode[] => {
    const found = plan.parameters.get(name);
    if (found === undefined) return [];
    return outputs.has(name)
      ? toPair(name, found, made, `${name}_float`, name)
      : toPair(name, found, made, name, dequantised(name));
  };
  const toFloat = (node: OnnxNode): OnnxNode => {
    const [output = ''] = node.outputs;
    return plan.parameters.has(output) && outputs.has(output) ? { ...node, outputs: [`${output}_float`] } : node;
  };
  const body = plan.nodes.flatMap((node) => {
    const changed = plan.chosen.has(node) ? withWeights(node, graph, bits, made, plan.parameters) : node;
    return [toFloat(renameReads(changed, names)), ...node.outputs.flatMap(pairOf)];
  });
  const before = graph.inputs.flatMap(({ name }) => pairOf(name));
  const nodes = [...made.nodes, ...before, ...body];
  const read = new Set(namesReadBy({ ...graph, nodes }));
  const kept = [...graph.weights].filter(([name]) => read.has(name));
  return { graph: { ...graph, nodes, weights: new Map([...kept, ...made.all]) }, opsets };
};
