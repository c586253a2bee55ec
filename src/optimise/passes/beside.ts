import { toField } from '../../onnx/chunks.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import { graphsOf, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';
import { VALUE_INFO } from '../../onnx/schema.ts';
import { layerOf } from './layer.ts';

/** A graph and the changed nodes of another, which read the same inputs as the nodes in whose place they stand. */
export interface BesideGraph {
  readonly document: GraphDocument;
  /** Names of two outputs to compare, by the name of the layer. */
  readonly pairs: ReadonlyMap<string, readonly [original: string, changed: string]>;
}

const OTHER = '__changed';

/** `graph` with the tensors `names` as further outputs, whose types and shapes the runtime finds out. */
export const withOutputs = (graph: OnnxGraph, names: readonly string[]): OnnxGraph => {
  const known = new Set([...graph.outputs, ...graph.inputs].map(({ name }) => name));
  const added = names.filter((name) => !known.has(name));
  const outputs = added.map((name) => ({ name, encoded: toField(VALUE_INFO.name, name) }));
  return { ...graph, outputs: [...graph.outputs, ...outputs] };
};

/**
 * `original` with the nodes of `changed` that differ from it beside its own. Errors of one layer do not reach the next: each layer is
 * compared on the inputs that it has in `original`. Nodes with graphs within them are left out.
 */
export const besideGraph = (original: GraphDocument, changed: GraphDocument): BesideGraph => {
  const nodes = new Set(original.graph.nodes);
  const values = new Set(original.graph.nodes.flatMap(({ outputs }) => outputs));
  const others = changed.graph.nodes.filter((node) => !nodes.has(node) && graphsOf(node).length === 0);
  const renamed = (node: OnnxNode): OnnxNode => ({
    ...node,
    name: node.name === '' ? '' : node.name + OTHER,
    outputs: node.outputs.map((name) => (values.has(name) ? name + OTHER : name)),
  });
  const layers = others.map(layerOf).filter((name) => values.has(name));
  const graph: OnnxGraph = {
    ...original.graph,
    nodes: [...original.graph.nodes, ...others.map(renamed)],
    weights: new Map([...original.graph.weights, ...changed.graph.weights]),
  };
  const pairs = new Map(layers.map((name) => [name, [name, name + OTHER] as const]));
  const outputs = layers.flatMap((name) => [name, name + OTHER]);
  return { document: { graph: withOutputs(graph, outputs), opsets: changed.opsets }, pairs };
};
