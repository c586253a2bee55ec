import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { errorFunction } from '../error-function.ts';
import type { Estimator } from '../estimator.ts';
import { rowOf } from '../frame.ts';
import type { Matrix } from '../matrix.ts';
import { interpolate, transpose } from './interpolation.ts';
import { expMinusOne, logOnePlus, scalar } from './numbers.ts';

/** log(base), of which (base^λ - 1) / λ of each column is `x`: log(1 + λx) / λ, and x where λ is 0. */
const logarithmOf = (graph: GraphBuilder, x: Value, lambdas: readonly number[]): Value => {
  const isZero = lambdas.map((lambda) => Math.abs(lambda) < Number.EPSILON);
  const divisors = rowOf(
    graph,
    lambdas.map((lambda, index) => (isZero[index] ? 1 : lambda)),
  );
  const logarithm = graph.op('Div', [logOnePlus(graph, graph.op('Mul', [x, divisors])), divisors]);
  return graph.op('Where', [graph.op('Greater', [rowOf(graph, isZero.map(Number)), scalar(graph, 0)]), x, logarithm]);
};

/** `inverse_transform` of a PowerTransformer, before its scaler. */
export const inversePower = (graph: GraphBuilder, x: Value, estimator: Estimator): Value => {
  const lambdas = [...estimator.vector('lambdas_')];
  const method = estimator.text('method');
  if (method === 'box-cox') return graph.op('Exp', [logarithmOf(graph, x, lambdas)]);
  if (method !== 'yeo-johnson') return estimator.refuse(`method is "${method}", expected yeo-johnson or box-cox`);
  const above = expMinusOne(graph, logarithmOf(graph, x, lambdas));
  const others = lambdas.map((lambda) => 2 - lambda);
  const below = graph.op('Neg', [expMinusOne(graph, logarithmOf(graph, graph.op('Neg', [x]), others))]);
  return graph.op('Where', [graph.op('GreaterOrEqual', [x, scalar(graph, 0)]), above, below]);
};

/** Probabilities so near to 0 or 1 count as them. */
const END = 1e-7;

/** `inverse_transform` of a QuantileTransformer, float64[N,F]. */
export const inverseQuantiles = (graph: GraphBuilder, x: Value, estimator: Estimator): Value => {
  const quantiles = transpose(estimator.matrix('quantiles_'));
  const { rows, columns, values } = quantiles;
  const references = estimator.vector('references_');
  const all: Matrix = {
    ...{ rows, columns },
    values: Float64Array.from({ length: rows * columns }, (_, index) => references[index % columns] ?? 0),
  };
  if (estimator.text('output_distribution') !== 'normal') return interpolate(graph, x, all, quantiles);
  const area = errorFunction(graph, graph.op('Mul', [x, scalar(graph, Math.SQRT1_2)]));
  const share = graph.op('Mul', [scalar(graph, 0.5), graph.op('Add', [scalar(graph, 1), area])]);
  const endOf = (at: number): Value =>
    rowOf(
      graph,
      Array.from({ length: rows }, (_, row) => values[row * columns + at] ?? 0),
    );
  const within = interpolate(graph, share, all, quantiles);
  const isHigh = graph.op('Greater', [share, scalar(graph, 1 - END)]);
  const isLow = graph.op('Less', [share, scalar(graph, END)]);
  const lowered = graph.op('Where', [isHigh, endOf(columns - 1), within]);
  return graph.op('Where', [isLow, endOf(0), lowered]);
};
