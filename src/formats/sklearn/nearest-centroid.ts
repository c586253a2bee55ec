import type { Value } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { classesOf } from './classes.ts';
import type { Converter, Converters } from './conversion.ts';
import { argMin, pick, rowsOf, squaredDistances } from './formulas.ts';
import { rowOf, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';
import { addDistances } from './neighbours.ts';

/** The class of the nearest centroid. Its scores are probabilities of normal distributions from scikit-learn 1.6 on, and distances before. */
const nearestCentroid: Converter = (estimator, frame, { graph }) => {
  const x = toMatrix(graph, frame);
  const centroids = estimator.matrix('centroids_');
  const metric = estimator.get('metric');
  if (metric !== 'euclidean' && metric !== 'manhattan')
    return estimator.refuse('its metric is not one that can be converted: expected euclidean or manhattan');
  const distances = (points: Matrix, from: Value): Value =>
    metric === 'euclidean' ? squaredDistances(graph, from, points) : addDistances(graph, from, points, metric, 1);
  const nearest = distances(centroids, x);
  const classIndex = argMin(graph, nearest);
  if (estimator.find('class_prior_') === undefined) {
    const classes = classesOf(estimator).length;
    const margins = graph.op('Neg', [nearest]);
    const decision = classes === 2 ? graph.op('Sub', [pick(graph, margins, 1), pick(graph, margins, 0)]) : margins;
    return { decision, classIndex };
  }
  const spread = estimator.vector('within_class_std_dev_').map((value) => (value === 0 ? 1 : value));
  const scaled = rowsOf(centroids).flatMap((row) => Array.from(row, (value, index) => value / (spread[index] ?? 1)));
  const from = graph.op('Div', [x, rowOf(graph, spread)]);
  const far = distances({ ...centroids, values: Float64Array.from(scaled) }, from);
  const squares = metric === 'euclidean' ? far : graph.op('Mul', [far, far]);
  const priors = estimator.vector('class_prior_');
  const logs = rowOf(
    graph,
    priors.map((prior) => 2 * Math.log(prior)),
  );
  const scores = graph.op('Sub', [logs, squares]);
  const isUniform = priors.every((prior) => Math.abs(prior - 1 / priors.length) <= 1e-8 + 1e-5 / priors.length);
  const probabilities = graph.op('Softmax', [scores], { axis: integer(1) });
  const decision = priors.length === 2 ? graph.op('Sub', [pick(graph, scores, 1), pick(graph, scores, 0)]) : scores;
  return { decision, probabilities, ...(isUniform && { classIndex }) };
};

export const NEAREST_CENTROID: Converters = { NearestCentroid: nearestCentroid };
