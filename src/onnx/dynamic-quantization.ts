import type { OnnxModel } from './onnx-model.ts';
import { fields } from './protobuf.ts';
import { GRAPH, MODEL } from './schema.ts';

/** Operators that derive the scale of a whole tensor from the values that are in it. */
const OPERATORS = ['DynamicQuantizeLinear', 'DynamicQuantizeMatMul', 'DynamicQuantizeLSTM'];

/**
 * Tells whether a graph quantises its activations while it runs. A row of a batch then changes the answers for the others, and so does its
 * padding. Graphs within a node count, too. The operators tell it where rows that push compares happen to have the same scale.
 */
export const isDynamicallyQuantised = ({ fields: all }: OnnxModel): boolean =>
  all
    .filter(({ number }) => number === MODEL.graph)
    .flatMap(({ value }) => [...fields(value)])
    .some(({ number, value }) => number === GRAPH.node && OPERATORS.some((operator) => value.includes(operator)));
