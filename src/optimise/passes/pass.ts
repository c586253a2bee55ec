import type { GraphDocument } from '../../onnx/graph-document.ts';

/** Makes another graph with the same inputs and outputs. The graph that came stays as it was; nodes that do not change are the same objects. */
export type Pass = (document: GraphDocument) => GraphDocument;
