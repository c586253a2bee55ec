import { graphsOf, isGraph, type OnnxGraph, type OnnxNode } from '../onnx/node.ts';
import type { Weights } from '../onnx/tensor-proto.ts';

/** Weights, and the graph that has them: the graph of the node, or one around it. */
export interface FoundWeights {
  readonly owner: GraphEditor;
  readonly weights: Weights;
}

/** Makes the nodes that take the place of `node`, which may be itself. */
export type ReplaceNode = (node: OnnxNode, editor: GraphEditor) => readonly OnnxNode[];

/** The names that a node and the graphs within it read. */
const namesRead = (node: OnnxNode): string[] => [...node.inputs, ...graphsOf(node).flatMap(namesReadBy)];

const namesReadBy = ({ nodes, outputs }: OnnxGraph): string[] => [
  ...nodes.flatMap(namesRead),
  ...outputs.map(({ name }) => name),
];

/** A graph that is being edited. Nodes of a graph within a node see the weights of the graphs around it. */
export class GraphEditor {
  readonly #graph: OnnxGraph;
  readonly #around: GraphEditor | undefined;
  readonly #weights: Map<string, Weights>;

  constructor(graph: OnnxGraph, around?: GraphEditor) {
    this.#graph = graph;
    this.#around = around;
    this.#weights = new Map(graph.weights);
  }

  find(name: string): FoundWeights | undefined {
    const weights = this.#weights.get(name);
    return weights === undefined ? this.#around?.find(name) : { owner: this, weights };
  }

  add(weights: Weights): void {
    this.#weights.set(weights.name, weights);
  }

  /** The graph with each node replaced, first those of the graphs within it, and without weights that nobody reads. */
  edit(replace: ReplaceNode): OnnxGraph {
    const nodes = this.#graph.nodes.flatMap((node) => replace(this.#editInside(node, replace), this));
    const read = new Set([...nodes.flatMap(namesRead), ...this.#graph.outputs.map(({ name }) => name)]);
    return { ...this.#graph, nodes, weights: new Map([...this.#weights].filter(([name]) => read.has(name))) };
  }

  #editInside(node: OnnxNode, replace: ReplaceNode): OnnxNode {
    if (graphsOf(node).length === 0) return node;
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, attribute]) => [
        name,
        attribute.type === 'graph' && isGraph(attribute.value)
          ? { ...attribute, value: new GraphEditor(attribute.value, this).edit(replace) }
          : attribute,
      ]),
    );
    return { ...node, attributes };
  }
}
