import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { longs } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import type { Converters } from '../conversion.ts';
import type { Estimator } from '../estimator.ts';
import { rowOf, toDouble } from '../frame.ts';
import { clamp, columnwise, scalar, sumRows } from './numbers.ts';

/** (x - center) / scale, where either may be off. */
const standardise = (center: string, scale: string, withCenter: string, withScale: string) =>
  columnwise((graph, x, estimator) => {
    const centered = estimator.flag(withCenter) ? graph.op('Sub', [x, rowOf(graph, estimator.vector(center))]) : x;
    return estimator.flag(withScale) ? graph.op('Div', [centered, rowOf(graph, estimator.vector(scale))]) : centered;
  });

const clipTo = (graph: GraphBuilder, x: Value, estimator: Estimator, low: number, high: number): Value =>
  estimator.find('clip') === true ? clamp(graph, x, low, high) : x;

/** Norms below it count as 0, and 0 as 1 (`_handle_zeros_in_scale`). */
const NEARLY_ZERO = 10 * Number.EPSILON;

const NORMS: Readonly<Record<string, (graph: GraphBuilder, x: Value) => Value>> = {
  l1: (graph, x) => sumRows(graph, graph.op('Abs', [x])),
  l2: (graph, x) => graph.op('Sqrt', [sumRows(graph, graph.op('Mul', [x, x]))]),
  max: (graph, x) =>
    graph.op('ReduceMax', [graph.op('Abs', [x]), graph.constant(longs([1]))], { keepdims: integer(1) }),
};

/** Rows divided by their norm. @throws `MODEL_INVALID` for another norm */
export const divideByNorm = (graph: GraphBuilder, x: Value, estimator: Estimator): Value => {
  const name = estimator.text('norm');
  const norm = NORMS[name]?.(graph, x) ?? estimator.refuse(`norm is "${name}", expected l1, l2 or max`);
  const isZero = graph.op('Less', [norm, scalar(graph, NEARLY_ZERO)]);
  return graph.op('Div', [x, graph.op('Where', [isZero, scalar(graph, 1), norm])]);
};

export const SCALING: Converters = {
  StandardScaler: standardise('mean_', 'scale_', 'with_mean', 'with_std'),

  RobustScaler: standardise('center_', 'scale_', 'with_centering', 'with_scaling'),

  MinMaxScaler: columnwise((graph, x, estimator) => {
    const scaled = graph.op('Mul', [x, rowOf(graph, estimator.vector('scale_'))]);
    const moved = graph.op('Add', [scaled, rowOf(graph, estimator.vector('min_'))]);
    const [low = 0, high = 1] = estimator.vector('feature_range');
    return clipTo(graph, moved, estimator, low, high);
  }),

  MaxAbsScaler: columnwise((graph, x, estimator) =>
    clipTo(graph, graph.op('Div', [x, rowOf(graph, estimator.vector('scale_'))]), estimator, -1, 1),
  ),

  Normalizer: columnwise(divideByNorm),

  Binarizer: columnwise((graph, x, estimator) =>
    toDouble(graph, graph.op('Greater', [x, scalar(graph, estimator.number('threshold'))])),
  ),
};
