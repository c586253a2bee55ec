import type { OnnxGraph, OnnxNode } from '../../onnx/node.ts';
import type { Weights } from '../../onnx/tensor-proto.ts';
import { mapGraphs, namesReadBy } from './edit-names.ts';

/** Weights, and the graph that has them: the graph of the node, or one around it. */
export interface FoundWeights {
  readonly owner: GraphEditor;
  readonly weights: Weights;
}

/** Makes the nodes that take the place of `node`, which may be itself. */
export type ReplaceNode = (node: OnnxNode, editor: GraphEditor) => readonly OnnxNode[];

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

  isOutput(name: string): boolean {
    return this.#graph.outputs.some((output) => output.name === name);
  }

  /** The graph with each node replaced, first those of the graphs within it, and without weights that nobody reads. */
  edit(replace: ReplaceNode): OnnxGraph {
    const inside = (node: OnnxNode): OnnxNode => mapGraphs(node, (graph) => new GraphEditor(graph, this).edit(replace));
    const nodes = this.#graph.nodes.flatMap((node) => replace(inside(node), this));
    const read = new Set(namesReadBy({ ...this.#graph, nodes }));
    return { ...this.#graph, nodes, weights: new Map([...this.#weights].filter(([name]) => read.has(name))) };
  }
}
