import { doubles, type GraphBuilder, singles, type Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import type { Booster } from './booster.ts';

/** The probabilities of both classes [N,2] from that of class 1 [N,1]. */
export const toProbabilities = (graph: GraphBuilder, second: Value, dtype: Booster['dtype']): Value => {
  const one = graph.constant(dtype === 'float32' ? singles([1], [1]) : doubles([1], [1]));
  return graph.op('Concat', [graph.op('Sub', [one, second]), second], { axis: integer(1) });
};
