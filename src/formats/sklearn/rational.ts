import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { scalar } from './formulas.ts';

/** Coefficients of two polynomials, highest power first. */
export interface Rational {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

/** A polynomial by Horner's rule. */
const polynomial = (graph: GraphBuilder, x: Value, [first = 0, ...others]: readonly number[]): Value =>
  others.reduce(
    (value, coefficient) => graph.op('Add', [graph.op('Mul', [value, x]), scalar(graph, coefficient)]),
    scalar(graph, first),
  );

/** The quotient of two polynomials of `x`. */
export const fraction = (graph: GraphBuilder, x: Value, { numerator, denominator }: Rational): Value =>
  graph.op('Div', [polynomial(graph, x, numerator), polynomial(graph, x, denominator)]);
