import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { classesOfTargets } from './classes.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, pick, scalar, square, sumOf, sumRow } from './formulas.ts';
import { type Frame, rowOf, toDouble, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { addCosine, addDistances, addWeights, readMetric, targetsOf } from './neighbours.ts';

/** Squared Euclidean distances [N,M] from the differences, so that a row of the training is at distance 0. */
const addSquares = (graph: GraphBuilder, x: Value, points: Matrix): Value =>
  sumOf(
    graph,
    Array.from({ length: points.columns }, (_, column) => {
      const values = points.values.filter((_value, index) => index % points.columns === column);
      return square(graph, graph.op('Sub', [pick(graph, x, column), rowOf(graph, values)]));
    }),
  );

/** The weights float64[N,M] of the rows of the training, 0 beyond the radius. `count` float64[N,1] is the number of the others. */
const addNear = (estimator: Estimator, frame: Frame, { graph }: Conversion): { weights: Value; count: Value } => {
  const points = estimator.matrix('_fit_X');
  const radius = estimator.number('radius');
  if (!(radius >= 0)) estimator.refuse(`radius is ${radius}, expected a number of 0 or more`);
  const { metric, p } = readMetric(estimator);
  const x = toMatrix(graph, frame);
  const isEuclidean = metric === 'euclidean' || (metric === 'minkowski' && p === 2);
  const sizes = isEuclidean
    ? addSquares(graph, x, points)
    : metric === 'cosine'
      ? addCosine(graph, x, points)
      : addDistances(graph, x, points, metric, p);
  const limit = scalar(graph, isEuclidean ? radius * radius : radius);
  const isNear = graph.op('LessOrEqual', [sizes, limit]);
  const near = toDouble(graph, isNear);
  const weights = addWeights(estimator, graph, isEuclidean ? graph.op('Sqrt', [sizes]) : sizes);
  const own = weights === undefined ? near : graph.op('Where', [isNear, weights, scalar(graph, 0)]);
  return { weights: own, count: sumRow(graph, near) };
};

/**
 * Refuses the models for which scikit-learn compares `outlier_label` with the numbers of the classes, and not with the classes. Its fast way
 * of equal weights does so, which euclidean and cosine distances do not take.
 */
const refuseMixedLabels = (estimator: Estimator): void => {
  const { metric, p } = readMetric(estimator);
  const isOther = ['manhattan', 'chebyshev'].includes(metric) || (metric === 'minkowski' && p !== 2);
  if (isOther && estimator.get('weights') === 'uniform' && estimator.get('_fit_method') === 'brute')
    estimator.refuse(
      `scikit-learn mistakes its outlier_label with algorithm brute, uniform weights and ${metric} distances: fit it with algorithm="kd_tree"`,
    );
};

/** The class of a row without neighbours, for each target. */
const outliersOf = (estimator: Estimator): readonly number[] => {
  refuseMixedLabels(estimator);
  if (estimator.get('outlier_label_') === null)
    estimator.refuse(
      'outlier_label is None, by which a row without neighbours is an error: fit it with one of its classes',
    );
  const labels = estimator.items('outlier_label_');
  return classesOfTargets(estimator).map((classes, target) => {
    const index = classes.indexOf(labels[target] ?? null);
    return index >= 0 ? index : estimator.refuse('outlier_label is none of its classes, expected one of them');
  });
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { weights, count } = addNear(estimator, frame, conversion);
  const counts = classesOfTargets(estimator).map(({ length }) => length);
  const outliers = outliersOf(estimator);
  const isAlone = graph.op('Equal', [count, scalar(graph, 0)]);
  const each = targetsOf(estimator).map((classes, target) => {
    const columns = counts[target] ?? 0;
    const values = Float64Array.from({ length: columns * classes.length }, (_, index) =>
      Number(classes[index % classes.length] === Math.floor(index / classes.length)),
    );
    const votes = addLinear(graph, weights, { rows: columns, columns: classes.length, values });
    const outlier = Float64Array.from({ length: columns }, (_, index) => Number(index === outliers[target]));
    const all = graph.op('Where', [isAlone, rowOf(graph, outlier), votes]);
    return { probabilities: graph.op('Div', [all, sumRow(graph, all)]) };
  });
  const [first = {}] = each;
  return each.length === 1 ? first : { targets: each };
};

/** A row without neighbours is NaN. */
const regressor: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { weights } = addNear(estimator, frame, conversion);
  const targets = targetsOf(estimator);
  const values = Float64Array.from(targets.flatMap((target) => [...target]));
  const { rows: columns } = estimator.matrix('_fit_X');
  const sums = addLinear(graph, weights, { rows: targets.length, columns, values });
  return { prediction: graph.op('Div', [sums, sumRow(graph, weights)]) };
};

export const RADIUS_NEIGHBOURS: Converters = {
  ...{ RadiusNeighborsClassifier: classifier, RadiusNeighborsRegressor: regressor },
};
