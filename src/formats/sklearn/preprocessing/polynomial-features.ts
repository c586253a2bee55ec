import { type GraphBuilder, longs, type Value } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import type { Converter } from '../conversion.ts';
import { toItems } from '../estimator.ts';
import { type Frame, selectColumns, toFrame, toMatrix, widthOf } from '../frame.ts';
import { scalar, toNumbers } from './numbers.ts';

/** Most columns that become of one row: 100,000 of float64 take 0.8 MB. */
const MOST_COLUMNS = 100_000;

/** Columns from `start` on. */
const columnsFrom = (graph: GraphBuilder, value: Value, start: number): Value =>
  start === 0
    ? value
    : graph.op('Slice', [
        value,
        graph.constant(longs([start])),
        graph.constant(longs([Number.MAX_SAFE_INTEGER])),
        graph.constant(longs([1])),
      ]);

/** Products of one degree, in lexicographic order. `starts` has the first product of each column, and the number of them all. */
interface Products {
  readonly value: Value;
  readonly starts: readonly number[];
}

/**
 * The products of the next degree: each column times the products that begin with it or with a later column, as scikit-learn multiplies
 * them. Undefined when there are none.
 */
const multiply = (
  graph: GraphBuilder,
  columns: readonly Value[],
  { value, starts }: Products,
  isInteraction: boolean,
): Products | undefined => {
  const total = starts.at(-1) ?? 0;
  const next = [0];
  const parts: Value[] = [];
  for (const [index, column] of columns.entries()) {
    const start = starts[isInteraction ? index + 1 : index] ?? total;
    if (start < total) parts.push(graph.op('Mul', [columnsFrom(graph, value, start), column]));
    next.push((next[index] ?? 0) + total - start);
  }
  return parts.length === 0 ? undefined : { value: graph.op('Concat', parts, { axis: integer(1) }), starts: next };
};

/** All products of up to `degree` columns, float64[N,F] → float64[N,products]. */
export const polynomialFeatures: Converter = (estimator, frame, { graph }) => {
  const degrees = toItems(estimator.get('degree')) ?? [0, estimator.number('degree')];
  const [lowest = 0, highest = 0] = degrees.map(Number);
  if (highest > MOST_COLUMNS) estimator.refuse(`degree is ${highest}, at most ${MOST_COLUMNS} is taken`);
  const x = toNumbers(estimator, frame, graph);
  const width = widthOf(frame);
  const columns = Array.from({ length: width }, (_, index) =>
    toMatrix(graph, selectColumns(graph, toFrame(x, width), [index])),
  );
  const made: Frame[number][] = [];
  if (estimator.flag('include_bias')) {
    const ones = graph.op('Pow', [columns[0] ?? x, scalar(graph, 0)]);
    made.push({ value: ones, width: 1, dtype: 'float64' });
  }
  let products: Products | undefined = { value: x, starts: Array.from({ length: width + 1 }, (_, index) => index) };
  for (let degree = 1; degree <= highest && products !== undefined; degree += 1) {
    const count: number = products.starts.at(-1) ?? 0;
    if (count > MOST_COLUMNS)
      estimator.refuse(`${width} columns become ${count} of degree ${degree}, at most ${MOST_COLUMNS} are taken`);
    if (degree >= lowest) made.push({ value: products.value, width: count, dtype: 'float64' });
    if (degree < highest) products = multiply(graph, columns, products, estimator.flag('interaction_only'));
  }
  if (made.length === 0) return estimator.refuse('no column is left of it: degree is 0, without a bias');
  return { frame: toFrame(toMatrix(graph, made), widthOf(made)) };
};
