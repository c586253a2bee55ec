import { createHash } from 'node:crypto';
import { bytesOf } from '../../core/tensor.ts';
import { encodeNode } from '../../onnx/encode-graph.ts';
import { graphsOf, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';
import type { Weights } from '../../onnx/tensor-proto.ts';
import { mapGraphs, namesRead, namesReadBy, outputNames, renameReads } from './edit-names.ts';
import type { Pass } from './pass.ts';

const hashOf = (parts: Iterable<Uint8Array | string>): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64');
};

const hashOfWeights = (weights: Weights): string | undefined => {
  const { dtype, shape } = weights;
  if (dtype === undefined || dtype === 'string') return undefined;
  const { data } = weights.read();
  return 'buffer' in data ? hashOf([dtype, shape.join(), ' ', bytesOf(data)]) : undefined;
};

/** Names of weights whose content other weights have, with the name of the first of them. Graphs within nodes read those around them. */
const sharedWeights = (graph: OnnxGraph, around: ReadonlyMap<string, string> = new Map()): OnnxGraph => {
  const fixed = outputNames(graph);
  const known = new Map(around);
  const names = new Map<string, string>();
  for (const [name, weights] of graph.weights) {
    const hash = fixed.has(name) ? undefined : hashOfWeights(weights);
    const first = hash === undefined ? undefined : known.get(hash);
    if (first !== undefined) names.set(name, first);
    else if (hash !== undefined) known.set(hash, name);
  }
  const nodes = graph.nodes.map((node) => mapGraphs(renameReads(node, names), (inner) => sharedWeights(inner, known)));
  return { ...graph, nodes, weights: new Map([...graph.weights].filter(([name]) => !names.has(name))) };
};

/** Operators that give another result each time. https://onnx.ai/onnx/operators/ */
const RANDOM = /^(Random|Multinomial|Bernoulli|Dropout)/;

/** Nodes that compute the same of the same inputs become one. */
const sharedNodes = (graph: OnnxGraph): OnnxGraph => {
  const fixed = outputNames(graph);
  const first = new Map<string, OnnxNode>();
  const names = new Map<string, string>();
  const nodes = graph.nodes.flatMap((before): OnnxNode[] => {
    const node = mapGraphs(renameReads(before, names), sharedNodes);
    if (RANDOM.test(node.operator) || graphsOf(node).length > 0 || node.outputs.some((name) => fixed.has(name)))
      return [node];
    const outputs = node.outputs.map((name) => (name === '' ? '' : 'x'));
    const key = hashOf(encodeNode({ ...node, name: '', outputs }));
    const found = first.get(key);
    if (found === undefined) first.set(key, node);
    else for (const [index, name] of node.outputs.entries()) names.set(name, found.outputs[index] ?? '');
    return found === undefined ? [node] : [];
  });
  return { ...graph, nodes };
};

/** Nodes and weights whose results nobody reads go. */
const withoutUnused = (graph: OnnxGraph): OnnxGraph => {
  const read = new Set(graph.outputs.map(({ name }) => name));
  const nodes: OnnxNode[] = [];
  for (const before of graph.nodes.toReversed()) {
    if (!before.outputs.some((name) => name !== '' && read.has(name))) continue;
    const node = mapGraphs(before, withoutUnused);
    for (const name of namesRead(node)) read.add(name);
    nodes.unshift(node);
  }
  const used = new Set(namesReadBy({ ...graph, nodes }));
  return { ...graph, nodes, weights: new Map([...graph.weights].filter(([name]) => used.has(name))) };
};

/** Equal weights are kept once, equal nodes compute once, and parts that reach no output go. Results stay the same, bit by bit. */
export const tidy: Pass = ({ graph, opsets }) => ({
  graph: withoutUnused(sharedNodes(sharedWeights(graph))),
  opsets,
});
