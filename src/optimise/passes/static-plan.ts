import type { OnnxGraph, OnnxNode } from '../../onnx/node.ts';
import { countReads } from './edit-names.ts';
import { isPlainGemm } from './int8-dynamic.ts';
import { layerOf } from './layer.ts';
import { type Parameters, type Ranges, toParameters } from './unsigned.ts';

/** Operators with weights of their own: the place of the input with activations is 0, and that of the weights 1. */
const WEIGHTED: readonly string[] = ['Conv', 'Gemm', 'MatMul'];
/** Operators that the runtime computes in integers, too. */
const PLAIN: readonly string[] = [
  ...['Add', 'Mul', 'Concat', 'Sigmoid', 'LeakyRelu'],
  ...['AveragePool', 'GlobalAveragePool', 'ReduceMean'],
];
/** Operators that only move numbers: their output has the scale of their input, where that is integers. */
const MOVING: readonly string[] = ['MaxPool', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Resize'];
/** Operators that the range of their output makes superfluous. */
const CLIPPING: readonly string[] = ['Relu', 'Clip'];

const isOf = ({ domain, operator, outputs }: OnnxNode, operators: readonly string[]): boolean =>
  domain === '' && outputs.length === 1 && operators.includes(operator);

export const isWeighted = (node: OnnxNode): boolean => isOf(node, WEIGHTED);

/** The inputs of a node that are numbers to compute with: axes, and the bias of a weighted node, are not among them. */
export const operandsOf = ({ operator, inputs }: OnnxNode): readonly string[] => {
  if (WEIGHTED.includes(operator)) return inputs.slice(0, 2);
  return operator === 'ReduceMean' ? inputs.slice(0, 1) : inputs;
};

/** Names of the tensors whose ranges a plan needs. */
export const tensorsToCalibrate = ({ nodes, weights }: OnnxGraph): string[] => {
  const used = nodes.filter((node) => isOf(node, [...WEIGHTED, ...PLAIN, ...CLIPPING]));
  const names = new Set(used.flatMap((node) => [...operandsOf(node), ...node.outputs]));
  return [...names].filter((name) => name !== '' && !weights.has(name));
};

/** `graph` without the clipping nodes that alone read a node whose output becomes integers: their range says the same. */
const withoutClips = (graph: OnnxGraph, ranges: Ranges, keep: ReadonlySet<string>): OnnxNode[] => {
  const reads = countReads(graph);
  const producers = new Map(
    graph.nodes.filter((node) => isOf(node, [...WEIGHTED, 'Add'])).map((node) => [layerOf(node), node]),
  );
  const outputs = new Map<string, string>();
  const clips = new Set<OnnxNode>();
  for (const node of graph.nodes) {
    const [input = '', ...bounds] = node.inputs;
    const isFixed = bounds.every((name) => name === '' || graph.weights.has(name));
    const fits = isOf(node, CLIPPING) && isFixed && producers.has(input) && reads.get(input) === 1;
    if (!fits || !ranges.has(layerOf(node)) || keep.has(layerOf(node))) continue;
    outputs.set(input, layerOf(node));
    clips.add(node);
  }
  return graph.nodes
    .filter((node) => !clips.has(node))
    .map((node) => {
      const output = outputs.get(layerOf(node));
      return output === undefined ? node : { ...node, outputs: [output] };
    });
};

/** The nodes of a graph whose numbers become integers, and the parameters of each tensor that does. */
export interface StaticPlan {
  readonly nodes: readonly OnnxNode[];
  readonly chosen: ReadonlySet<OnnxNode>;
  readonly parameters: ReadonlyMap<string, Parameters>;
}

/** A node that clips belongs to the layer before it: with it, that one stays in float32, too. */
const withClipped = ({ nodes }: OnnxGraph, keep: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([
    ...keep,
    ...nodes
      .filter((node) => isOf(node, CLIPPING) && keep.has(layerOf(node)))
      .flatMap(({ inputs }) => inputs.slice(0, 1)),
  ]);

/** @param layers layers that stay in float32 */
export const planStatic = (graph: OnnxGraph, ranges: Ranges, layers: ReadonlySet<string>): StaticPlan => {
  const keep = withClipped(graph, layers);
  const nodes = withoutClips(graph, ranges, keep);
  const isFloat = (name: string): boolean => ranges.has(name) || graph.weights.get(name)?.dtype === 'float32';
  const fits = (node: OnnxNode): boolean =>
    isOf(node, [...WEIGHTED, ...PLAIN]) &&
    !keep.has(layerOf(node)) &&
    ranges.has(layerOf(node)) &&
    operandsOf(node).every(isFloat) &&
    operandsOf(node).some((name) => ranges.has(name)) &&
    (node.operator !== 'Gemm' || isPlainGemm(node));
  const chosen = new Set(nodes.filter(fits));
  const parameters = new Map<string, Parameters>();
  for (const node of chosen)
    for (const name of [...operandsOf(node), layerOf(node)]) {
      const range = ranges.get(name);
      if (range !== undefined) parameters.set(name, toParameters(range));
    }
  for (const node of nodes) {
    const found = isOf(node, MOVING) && !keep.has(layerOf(node)) ? parameters.get(node.inputs[0] ?? '') : undefined;
    if (found !== undefined) parameters.set(layerOf(node), found);
  }
  return { nodes, chosen, parameters };
};
