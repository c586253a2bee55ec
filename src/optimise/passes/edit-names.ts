import { graphsOf, isGraph, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';
import type { Weights } from '../../onnx/tensor-proto.ts';

/** The names that a node and the graphs within it read. */
export const namesRead = (node: OnnxNode): string[] => [...node.inputs, ...graphsOf(node).flatMap(namesReadBy)];

/** The names that the nodes of a graph read, and those of its outputs. */
export const namesReadBy = ({ nodes, outputs }: OnnxGraph): string[] => [
  ...nodes.flatMap(namesRead),
  ...outputs.map(({ name }) => name),
];

/** The number of times that each name is read; an output of a graph counts as a read. */
export const countReads = (graph: OnnxGraph): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const name of namesReadBy(graph)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};

/** Outputs of a graph and of those within its nodes. Their names stand for themselves, so that no other name can take their place. */
export const outputNames = (graph: OnnxGraph): Set<string> =>
  new Set([
    ...graph.outputs.map(({ name }) => name),
    ...graph.nodes.flatMap(graphsOf).flatMap((inner) => [...outputNames(inner)]),
  ]);

/** `node` with each graph within it replaced. It is the same object when none is there. */
export const mapGraphs = (node: OnnxNode, map: (graph: OnnxGraph) => OnnxGraph): OnnxNode => {
  if (graphsOf(node).length === 0) return node;
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).map(([name, attribute]) => [
      name,
      attribute.type === 'graph' && isGraph(attribute.value)
        ? { ...attribute, value: map(attribute.value) }
        : attribute,
    ]),
  );
  return { ...node, attributes };
};

/** `node` with `names` replaced where it reads them, also within its graphs. It is the same object when it reads none of them. */
export const renameReads = (node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode => {
  if (!namesRead(node).some((name) => names.has(name))) return node;
  const inside = mapGraphs(node, (graph) => ({ ...graph, nodes: graph.nodes.map((each) => renameReads(each, names)) }));
  return { ...inside, inputs: node.inputs.map((name) => names.get(name) ?? name) };
};

/** `graph` and those within its nodes with other weights, under the same names. */
export const mapWeights = (graph: OnnxGraph, map: (weights: Weights) => Weights): OnnxGraph => ({
  ...graph,
  nodes: graph.nodes.map((node) => mapGraphs(node, (inner) => mapWeights(inner, map))),
  weights: new Map([...graph.weights].map(([name, weights]) => [name, map(weights)])),
});
