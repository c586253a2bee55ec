import type { Value } from '../../onnx/graph-builder.ts';
import { describe } from '../pickle/describe.ts';
import type { Conversion } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, rowsOf, scalar, square, squaredDistances, sumRow } from './formulas.ts';
import type { Matrix } from './matrix.ts';

/** A number that a kernel has, or the one that stands for None. */
const numberOr = (estimator: Estimator, name: string, otherwise: number): number =>
  estimator.get(name) === null ? otherwise : estimator.number(name);

/** The gamma of a kernel; without one, it is one over the columns. */
export const gammaOf = (estimator: Estimator, { columns }: Matrix): number => numberOr(estimator, 'gamma', 1 / columns);

/** `vectors` with each row divided by its length; a row of zeros stays. */
const toUnits = (vectors: Matrix): Matrix => {
  const values = vectors.values.slice();
  for (const row of rowsOf({ ...vectors, values })) {
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) row.set(row.map((value) => value / length));
  }
  return { ...vectors, values };
};

/** The kernel of each row with each support vector, float64[N,vectors]. */
export const addKernel = (
  estimator: Estimator,
  x: Value,
  vectors: Matrix,
  { graph }: Conversion,
  gamma: number,
): Value => {
  const kernel = estimator.get('kernel');
  const products = (): Value => addLinear(graph, x, vectors);
  const scaled = (): Value =>
    graph.op('Add', [
      graph.op('Mul', [scalar(graph, gamma), products()]),
      scalar(graph, numberOr(estimator, 'coef0', 1)),
    ]);
  switch (kernel) {
    case 'linear':
      return products();
    case 'rbf':
      return graph.op('Exp', [graph.op('Mul', [scalar(graph, -gamma), squaredDistances(graph, x, vectors)])]);
    case 'poly':
    case 'polynomial':
      return graph.op('Pow', [scaled(), scalar(graph, numberOr(estimator, 'degree', 3))]);
    case 'sigmoid':
      return graph.op('Tanh', [scaled()]);
    case 'cosine': {
      const lengths = graph.op('Sqrt', [sumRow(graph, square(graph, x))]);
      const isZero = graph.op('Equal', [lengths, scalar(graph, 0)]);
      const units = graph.op('Div', [x, graph.op('Where', [isZero, scalar(graph, 1), lengths])]);
      return addLinear(graph, units, toUnits(vectors));
    }
    default:
      return estimator.refuse(`kernel is ${describe(kernel)}, expected linear, rbf, poly, sigmoid or cosine`);
  }
};
