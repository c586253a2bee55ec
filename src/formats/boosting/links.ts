import { doubles, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { DATA_TYPES } from '../../onnx/tensor-proto.ts';

/** The function from the sums of trees to what `predict` gives: values float64[N,outputs] of the graph. */
export type Link = (graph: GraphBuilder, sums: Value) => Value;

const scalar = (graph: GraphBuilder, value: number): Value => graph.constant(doubles([1], [value]));

export const identity: Link = (_, sums) => sums;
export const exponential: Link = (graph, sums) => graph.op('Exp', [sums]);
export const softmax: Link = (graph, sums) => graph.op('Softmax', [sums], { axis: integer(1) });
/** x → 1 / (1 + exp(-x)). */
export const logistic: Link = (graph, sums) => graph.op('Sigmoid', [sums]);
/** x → x·|x|. */
export const signedSquare: Link = (graph, sums) => graph.op('Mul', [sums, graph.op('Abs', [sums])]);
/** x → 1 where x > 0, otherwise 0. */
export const step: Link = (graph, sums) =>
  graph.op('Cast', [graph.op('Greater', [sums, scalar(graph, 0)])], { to: integer(DATA_TYPES.float64) });

/** x → 1 / (1 + exp(-slope·x)). */
export const steepLogistic =
  (slope: number): Link =>
  (graph, sums) =>
    logistic(graph, slope === 1 ? sums : graph.op('Mul', [sums, scalar(graph, slope)]));

/** x → ln(1 + exp(x)). */
export const softplus: Link = (graph, sums) => {
  const sum = graph.op('Add', [exponential(graph, sums), scalar(graph, 1)]);
  return graph.op('Log', [sum]);
};
