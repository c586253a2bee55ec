import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { doubles, longs } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import type { Converter } from '../conversion.ts';
import type { Estimator } from '../estimator.ts';
import { type Frame, toFrame, toMatrix, widthOf } from '../frame.ts';

/** The columns as one value float64[N,F]. @throws `MODEL_INVALID` when one of them holds strings */
export const toNumbers = (estimator: Estimator, frame: Frame, graph: GraphBuilder): Value =>
  frame.some(({ dtype }) => dtype === 'string')
    ? estimator.refuse('it gets a column of strings, expected numbers: encode the column before this step')
    : toMatrix(graph, frame);

/** A converter of a transformer whose columns become as many columns, float64[N,F] → float64[N,F]. */
export const columnwise =
  (transform: (graph: GraphBuilder, x: Value, estimator: Estimator) => Value): Converter =>
  (estimator, frame, { graph }) => {
    const value = transform(graph, toNumbers(estimator, frame, graph), estimator);
    return { frame: toFrame(value, widthOf(frame)) };
  };

/** A number alone. */
export const scalar = (graph: GraphBuilder, value: number): Value => graph.constant(doubles([], [value]));

/** The sums of the rows, [N,1]. */
export const sumRows = (graph: GraphBuilder, x: Value): Value =>
  graph.op('ReduceSum', [x, graph.constant(longs([1]))], { keepdims: integer(1) });

/** `x` within `low` and `high`; NaN stays. */
export const clamp = (graph: GraphBuilder, x: Value, low: number, high: number): Value =>
  graph.op('Clip', [x, scalar(graph, low), scalar(graph, high)]);

/** From here on, 1 + x is x in float64. */
export const LARGE = 2 ** 60;

/** log(1 + x) to the last digits also near 0: the rounding of 1 + x is divided out (W. Kahan). */
export const logOnePlus = (graph: GraphBuilder, x: Value): Value => {
  const one = scalar(graph, 1);
  const sum = graph.op('Add', [x, one]);
  const logarithm = graph.op('Log', [sum]);
  const share = graph.op('Div', [graph.op('Mul', [x, logarithm]), graph.op('Sub', [sum, one])]);
  const away = graph.op('Where', [graph.op('Less', [x, scalar(graph, LARGE)]), share, logarithm]);
  return graph.op('Where', [graph.op('Equal', [sum, one]), x, away]);
};

/** exp(x) - 1 to the last digits also near 0, by the same means. */
export const expMinusOne = (graph: GraphBuilder, x: Value): Value => {
  const one = scalar(graph, 1);
  const power = graph.op('Exp', [x]);
  const less = graph.op('Sub', [power, one]);
  const share = graph.op('Div', [graph.op('Mul', [less, x]), graph.op('Log', [power])]);
  const near = graph.op('Where', [graph.op('Equal', [power, one]), x, share]);
  return graph.op('Where', [graph.op('Less', [graph.op('Abs', [x]), one]), near, less]);
};
