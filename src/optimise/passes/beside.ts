import { tensor } from '../../core/tensor.ts';
import { toField } from '../../onnx/chunks.ts';
import type { GraphDocument } from '../../onnx/graph-document.ts';
import {
  type Attribute,
  createNode,
  graphsOf,
  integer,
  isGraph,
  type OnnxGraph,
  type OnnxNode,
  tensorValue,
} from '../../onnx/node.ts';
import { VALUE_INFO } from '../../onnx/schema.ts';
import { layerOf } from './layer.ts';

/** Names of two tensors to compare, by the name of the layer. */
type Pairs = ReadonlyMap<string, readonly [original: string, changed: string]>;

/** A graph and the changed nodes of another, which read the same inputs as the nodes in whose place they stand. */
export interface BesideGraph {
  readonly document: GraphDocument;
  /** Outputs of the graph. */
  readonly pairs: Pairs;
}

const OTHER = '__changed';

/** `graph` with the tensors `names` as further outputs, whose types and shapes the runtime finds out. */
export const withOutputs = (graph: OnnxGraph, names: readonly string[]): OnnxGraph => {
  const known = new Set([...graph.outputs, ...graph.inputs].map(({ name }) => name));
  const added = names.filter((name) => !known.has(name));
  const outputs = added.map((name) => ({ name, encoded: toField(VALUE_INFO.name, name) }));
  return { ...graph, outputs: [...graph.outputs, ...outputs] };
};

/** Makes names of outputs that no graph has. */
const createNames = () => {
  let count = 0;
  return (): [string, string] => {
    count += 1;
    return [`beside_${count}`, `beside_${count}${OTHER}`];
  };
};

type NewNames = () => [string, string];

/** The outputs of a branch for a layer: those that it has, or two equal numbers. */
const toSlot = (pair: readonly string[] | undefined, names: readonly string[]): OnnxNode[] =>
  names.map((name, index) => {
    const from = pair?.[index];
    if (from !== undefined) return createNode('Identity', [from], [name]);
    return createNode('Constant', [], [name], { value: tensorValue(tensor('float32', [1], new Float32Array(1))) });
  });

const graphIn = (attribute: Attribute | undefined): OnnxGraph | undefined =>
  attribute?.type === 'graph' && isGraph(attribute.value) ? attribute.value : undefined;

/** An `If` that hands out the layers of its branches. Both branches have an output for each; the one that does not run gives none. */
const openBranches = (node: OnnxNode, changed: OnnxNode, newNames: NewNames): [node: OnnxNode, pairs: Pairs] => {
  const branches = Object.entries(node.attributes).flatMap(([name, branch]) => {
    const [value, other] = [graphIn(branch), graphIn(changed.attributes[name])];
    return value && other ? [{ name, ...placeBeside(value, other, newNames) }] : [];
  });
  const layers = [...new Set(branches.flatMap(({ pairs }) => [...pairs.keys()]))];
  const attributes = { ...node.attributes };
  for (const { name, graph, pairs } of branches) {
    const slots = layers.flatMap((layer) => toSlot(pairs.get(layer), newNames()));
    const opened = { ...graph, nodes: [...graph.nodes, ...slots] };
    const outputs = slots.flatMap((slot) => slot.outputs);
    attributes[name] = { type: 'graph', value: withOutputs(opened, outputs) };
  }
  const pairs = new Map(layers.map((layer) => [layer, newNames()] as const));
  return [{ ...node, attributes, outputs: [...node.outputs, ...[...pairs.values()].flat()] }, pairs];
};

/**
 * Two numbers for a layer in a step of a loop: the norm of its output, and that norm with the norm of the change added. Their difference is the
 * error of the layer, whose shape may be another one in each step.
 */
const toNorms = ([layer, changed]: readonly [string, string], [norm, sum]: readonly [string, string]): OnnxNode[] => {
  const [difference, error] = [`${sum}_difference`, `${sum}_error`];
  return [
    createNode('ReduceL2', [layer], [norm], { keepdims: integer(0) }),
    createNode('Sub', [layer, changed], [difference]),
    createNode('ReduceL2', [difference], [error], { keepdims: integer(0) }),
    createNode('Add', [norm, error], [sum]),
  ];
};

/** A `Loop` that hands out the norms of the layers of its body, which has them as further outputs: a number for each step. */
const openBody = (node: OnnxNode, changed: OnnxNode, newNames: NewNames): [node: OnnxNode, pairs: Pairs] => {
  const [body, other] = [graphIn(node.attributes.body), graphIn(changed.attributes.body)];
  if (body === undefined || other === undefined) return [node, new Map()];
  const { graph, pairs: inner } = placeBeside(body, other, newNames);
  const pairs = new Map<string, [string, string]>();
  const outputs: string[] = [];
  const norms = [...inner].flatMap(([layer, pair]) => {
    const names = newNames();
    outputs.push(...names);
    pairs.set(layer, newNames());
    return toNorms(pair, names);
  });
  const opened = withOutputs({ ...graph, nodes: [...graph.nodes, ...norms] }, outputs);
  const attributes: OnnxNode['attributes'] = { ...node.attributes, body: { type: 'graph', value: opened } };
  return [{ ...node, attributes, outputs: [...node.outputs, ...[...pairs.values()].flat()] }, pairs];
};

/** Ways to look into a node with graphs. */
const OPENERS: Readonly<Record<string, typeof openBranches>> = { If: openBranches, Loop: openBody };

const placeBeside = (
  original: OnnxGraph,
  changed: OnnxGraph,
  newNames: NewNames,
): { readonly graph: OnnxGraph; readonly pairs: Pairs } => {
  const known = new Set(original.nodes);
  const values = new Set(original.nodes.flatMap(({ outputs }) => outputs));
  const others = changed.nodes.filter((node) => !known.has(node));
  const partners = new Map(others.filter(({ operator }) => operator in OPENERS).map((node) => [layerOf(node), node]));
  const pairs = new Map<string, readonly [string, string]>();
  const nodes = original.nodes.map((node) => {
    const [open, partner] = [OPENERS[node.operator], partners.get(layerOf(node))];
    if (open === undefined || partner === undefined) return node;
    const [opened, inner] = open(node, partner, newNames);
    for (const [layer, pair] of inner) pairs.set(layer, pair);
    return opened;
  });
  const simple = others.filter((node) => graphsOf(node).length === 0);
  const renamed = simple.map((node) => ({
    ...node,
    name: node.name === '' ? '' : node.name + OTHER,
    outputs: node.outputs.map((name) => (values.has(name) ? name + OTHER : name)),
  }));
  for (const layer of simple.map(layerOf)) if (values.has(layer)) pairs.set(layer, [layer, layer + OTHER]);
  const weights = new Map([...original.weights, ...changed.weights]);
  return { graph: { ...original, nodes: [...nodes, ...renamed], weights }, pairs };
};

/**
 * `original` with the nodes of `changed` that differ from it beside its own, also within `If` and `Loop`. Errors of one layer do not
 * reach the next: each layer is compared on the inputs that it has in `original`. Other nodes with graphs within them are left out.
 */
export const besideGraph = (original: GraphDocument, changed: GraphDocument): BesideGraph => {
  const { graph, pairs } = placeBeside(original.graph, changed.graph, createNames());
  return { document: { graph: withOutputs(graph, [...pairs.values()].flat()), opsets: changed.opsets }, pairs };
};
