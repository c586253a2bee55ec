import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { clip, scalar, square } from './formulas.ts';
import { fraction } from './rational.ts';

/**
 * Coefficients of S. L. Moshier's approximations, as scipy has them (`erf` and `erfc`, https://www.netlib.org/cephes). The runtime has `Erf` for
 * float32 alone.
 */
const CENTRE = {
  numerator: [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949],
  denominator: [1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359],
};
/** For sizes from 1 to 8. */
const TAIL = {
  numerator: [
    2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771,
    526.4451949954773, 934.5285271719576, 1027.5518868951572, 557.5353353693994,
  ],
  denominator: [
    1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
    2246.3376081871097, 1656.6630919416134, 557.5353408177277,
  ],
};
/** From here on, the function is 1 in float64. */
const END = 7;

/** The error function in float64. */
export const errorFunction = (graph: GraphBuilder, x: Value): Value => {
  const centre = graph.op('Mul', [x, fraction(graph, square(graph, x), CENTRE)]);
  const size = graph.op('Abs', [x]);
  const inTail = clip(graph, size, 1, END);
  const decay = graph.op('Exp', [graph.op('Neg', [square(graph, inTail)])]);
  const rest = graph.op('Mul', [decay, fraction(graph, inTail, TAIL)]);
  const tail = graph.op('Mul', [graph.op('Sign', [x]), graph.op('Sub', [scalar(graph, 1), rest])]);
  return graph.op('Where', [graph.op('LessOrEqual', [size, scalar(graph, 1)]), centre, tail]);
};
