import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { fraction } from '../rational.ts';
import { scalar } from './numbers.ts';

/**
 * Coefficients of S. L. Moshier's approximation of the inverse of the normal distribution function, highest power first, as scipy has them
 * (`ndtri`, https://www.netlib.org/cephes). The denominators begin with 1.
 */
const CENTRE = {
  numerator: [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125],
  denominator: [
    1, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937, 200.26021238006066,
    -82.03722561683334, 15.90562251262117, -1.1833162112133,
  ],
};
/** For probabilities from exp(-32) to exp(-2). */
const TAIL = {
  numerator: [
    4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803,
    2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854,
  ],
  denominator: [
    1, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075, 2.504649462083094,
    -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574,
  ],
};
const TAIL_END = Math.exp(-2);
const ROOT_OF_TAU = Math.sqrt(2 * Math.PI);

/** The quantiles of the normal distribution for probabilities from 1e-14 to 1 - 1e-14, float64. NaN stays. */
export const normalQuantile = (graph: GraphBuilder, probability: Value): Value => {
  const w = graph.op('Sub', [probability, scalar(graph, 0.5)]);
  const square = graph.op('Mul', [w, w]);
  const share = graph.op('Mul', [w, graph.op('Mul', [square, fraction(graph, square, CENTRE)])]);
  const centre = graph.op('Mul', [graph.op('Add', [w, share]), scalar(graph, ROOT_OF_TAU)]);

  const other = graph.op('Sub', [scalar(graph, 1), probability]);
  const tail = graph.op('Min', [probability, other]);
  const root = graph.op('Sqrt', [graph.op('Mul', [scalar(graph, -2), graph.op('Log', [tail])])]);
  const start = graph.op('Sub', [root, graph.op('Div', [graph.op('Log', [root]), root])]);
  const inverse = graph.op('Reciprocal', [root]);
  const distance = graph.op('Sub', [start, graph.op('Mul', [inverse, fraction(graph, inverse, TAIL)])]);
  const signed = graph.op('Mul', [graph.op('Sign', [w]), distance]);
  return graph.op('Where', [graph.op('Greater', [tail, scalar(graph, TAIL_END)]), centre, signed]);
};
