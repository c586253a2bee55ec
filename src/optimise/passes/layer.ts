import type { OnnxNode } from '../../onnx/node.ts';

/** The name of a layer: that of the node's first output, which every node has. */
export const layerOf = ({ outputs: [output = ''] }: OnnxNode): string => output;
