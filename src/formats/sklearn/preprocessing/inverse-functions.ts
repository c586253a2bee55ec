import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { fraction } from '../rational.ts';
import { expMinusOne, LARGE, logOnePlus, scalar } from './numbers.ts';

/** Functions of angles and of hyperbolas in float64, which the runtime has for float32 alone. */
type MathFunction = (graph: GraphBuilder, x: Value) => Value;

/** Coefficients of S. L. Moshier's approximation of the arc tangent up to tan(π/8) (`atan`, https://www.netlib.org/cephes). */
const ARC = {
  numerator: [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025],
  denominator: [1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614],
};
const EIGHTH = Math.tan(Math.PI / 8);

const withSign =
  (ofMagnitude: MathFunction): MathFunction =>
  (graph, x) =>
    graph.op('Mul', [graph.op('Sign', [x]), ofMagnitude(graph, graph.op('Abs', [x]))]);

const one = (graph: GraphBuilder): Value => scalar(graph, 1);

/** Sizes beyond tan(π/8) are turned by π/4, and those beyond its reciprocal by π/2. */
export const arctan: MathFunction = withSign((graph, size) => {
  const isLarge = graph.op('Greater', [size, scalar(graph, 1 / EIGHTH)]);
  const isSmall = graph.op('LessOrEqual', [size, scalar(graph, EIGHTH)]);
  const turned = graph.op('Div', [graph.op('Sub', [size, one(graph)]), graph.op('Add', [size, one(graph)])]);
  const inverse = graph.op('Div', [scalar(graph, -1), size]);
  const reduced = graph.op('Where', [isSmall, size, graph.op('Where', [isLarge, inverse, turned])]);
  const square = graph.op('Mul', [reduced, reduced]);
  const share = graph.op('Mul', [square, fraction(graph, square, ARC)]);
  const angle = graph.op('Add', [graph.op('Mul', [reduced, share]), reduced]);
  const quarter = graph.op('Where', [isLarge, scalar(graph, Math.PI / 2), scalar(graph, Math.PI / 4)]);
  return graph.op('Add', [angle, graph.op('Where', [isSmall, scalar(graph, 0), quarter])]);
});

const toRoot = (graph: GraphBuilder, above: Value, below: Value): Value =>
  graph.op('Mul', [graph.op('Sqrt', [above]), graph.op('Sqrt', [below])]); // their product may overflow

const double = (graph: GraphBuilder, x: Value): Value => graph.op('Mul', [scalar(graph, 2), x]);

/** 2 arctan(x / (1 + √(1 - x²))). */
export const arcsin: MathFunction = (graph, x) => {
  const root = toRoot(graph, graph.op('Sub', [one(graph), x]), graph.op('Add', [one(graph), x]));
  return double(graph, arctan(graph, graph.op('Div', [x, graph.op('Add', [one(graph), root])])));
};

/** 2 arctan(√((1 - x) / (1 + x))). */
export const arccos: MathFunction = (graph, x) => {
  const share = graph.op('Div', [graph.op('Sub', [one(graph), x]), graph.op('Add', [one(graph), x])]);
  return double(graph, arctan(graph, graph.op('Sqrt', [share])));
};

export const sinh: MathFunction = withSign((graph, size) => {
  const power = expMinusOne(graph, size);
  const most = graph.op('Min', [power, scalar(graph, LARGE)]); // infinity over infinity is no number
  const rest = graph.op('Div', [most, graph.op('Add', [most, one(graph)])]);
  return graph.op('Mul', [scalar(graph, 0.5), graph.op('Add', [power, rest])]);
});

export const cosh: MathFunction = (graph, x) => {
  const [up, down] = [x, graph.op('Neg', [x])].map((each) => graph.op('Exp', [each]));
  return graph.op('Mul', [scalar(graph, 0.5), graph.op('Add', [up ?? x, down ?? x])]);
};

export const arccosh: MathFunction = (graph, x) => {
  const beyond = graph.op('Sub', [x, one(graph)]);
  const root = toRoot(graph, beyond, graph.op('Add', [x, one(graph)]));
  return logOnePlus(graph, graph.op('Add', [beyond, root]));
};

export const arctanh: MathFunction = withSign((graph, size) => {
  const share = graph.op('Div', [double(graph, size), graph.op('Sub', [one(graph), size])]);
  return graph.op('Mul', [scalar(graph, 0.5), logOnePlus(graph, share)]);
});
