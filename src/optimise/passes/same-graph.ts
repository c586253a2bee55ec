import { graphsOf, type OnnxGraph, type OnnxNode } from '../../onnx/node.ts';

/** Passes copy a node that has graphs within it, also where they change nothing in these. */
const isSameNode = (a: OnnxNode, b: OnnxNode | undefined): boolean => {
  if (a === b) return true;
  if (b === undefined || a.inputs !== b.inputs || a.outputs !== b.outputs) return false;
  const [inner, others] = [graphsOf(a), graphsOf(b)];
  return (
    inner.length > 0 &&
    inner.length === others.length &&
    inner.every((graph, index) => isSameGraph(graph, others[index]))
  );
};

/** Tells whether passes left `a` as it was. They keep the objects that they do not change. */
export const isSameGraph = (a: OnnxGraph, b: OnnxGraph | undefined): boolean =>
  a.inputs === b?.inputs &&
  a.nodes.length === b.nodes.length &&
  a.nodes.every((node, index) => isSameNode(node, b.nodes[index]));
