import { doubles, type GraphBuilder, longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { DATA_TYPES } from '../../../onnx/tensor-proto.ts';
import type { Converter } from '../conversion.ts';
import { type Block, selectColumns, toFrame, toMatrix, widthOf } from '../frame.ts';
import { readSplines, type Splines } from './b-splines.ts';
import { countBounds } from './interpolation.ts';
import { clamp, scalar, toNumbers } from './numbers.ts';

/** The values of the splines of one column `x` float64[N,1], float64[N,splines]. */
const addSplines = (graph: GraphBuilder, x: Value, splines: Splines, extrapolation: string): Value => {
  const { first, last, columns, bounds, pieces } = splines;
  const period = last - first;
  const wrap = (): Value => {
    const beyond = graph.op('Sub', [x, scalar(graph, first)]);
    const rest = graph.op('Mod', [beyond, scalar(graph, period)], { fmod: integer(1) });
    const positive = graph.op('Where', [
      graph.op('Less', [rest, scalar(graph, 0)]),
      graph.op('Add', [rest, scalar(graph, period)]),
      rest,
    ]);
    return graph.op('Add', [positive, scalar(graph, first)]);
  };
  const inside =
    extrapolation === 'periodic' ? wrap() : extrapolation === 'constant' ? clamp(graph, x, first, last) : x;
  const piece =
    bounds.length === 0
      ? graph.op('Cast', [graph.op('Less', [inside, inside])], { to: integer(DATA_TYPES.int64) }) // a single piece: always 0
      : countBounds(graph, inside, { rows: 1, columns: bounds.length, values: Float64Array.from(bounds) });
  const origins = graph.constant(
    doubles(
      [pieces.length],
      pieces.map(({ origin }) => origin),
    ),
  );
  const u = graph.op('Sub', [inside, graph.op('Gather', [origins, piece])]);
  const powers = Math.max(...pieces.flatMap((each) => each.splines.map(({ length }) => length)));
  const at = graph.op('Squeeze', [piece, graph.constant(longs([1]))]);
  let value: Value | undefined;
  for (let power = powers - 1; power >= 0; power -= 1) {
    const table = pieces.flatMap((each) => each.splines.map((polynomial) => polynomial[power] ?? 0));
    const coefficients = graph.op('Gather', [graph.constant(doubles([pieces.length, columns], table)), at]);
    value = value === undefined ? coefficients : graph.op('Add', [graph.op('Mul', [value, u]), coefficients]);
  }
  return value ?? x;
};

/** The B-splines of each column, float64[N,F] → float64[N,F·splines]. */
export const splineTransformer: Converter = (estimator, frame, { graph }) => {
  const x = toFrame(toNumbers(estimator, frame, graph), widthOf(frame));
  const extrapolation = estimator.text('extrapolation');
  const blanks = estimator.find('handle_missing') === 'zeros';
  const parts = estimator.estimators('bsplines_').flatMap((each, index): readonly Block[] => {
    const splines = readSplines(each, extrapolation);
    const column = toMatrix(graph, selectColumns(graph, x, [index]));
    const values = addSplines(graph, column, splines, extrapolation);
    const value = blanks ? graph.op('Where', [graph.op('IsNaN', [column]), scalar(graph, 0), values]) : values;
    const kept = splines.columns - (estimator.flag('include_bias') ? 0 : 1);
    return selectColumns(
      graph,
      toFrame(value, splines.columns),
      Array.from({ length: kept }, (_, spline) => spline),
    );
  });
  return { frame: toFrame(toMatrix(graph, parts), widthOf(parts)) };
};
