import type { Value } from '../../onnx/graph-builder.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray } from '../pickle/values.ts';
import { classesOf } from './classes.ts';
import type { Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, join, pick, rowsOf, scalar, softmax, square, sumRow, toPair, transpose } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import { linearOf } from './linear.ts';
import type { Matrix } from './matrix.ts';

const linear: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const decision = linearOf(estimator, frame, conversion);
  const isBinary = classesOf(estimator).length === 2;
  const probabilities = isBinary ? toPair(graph, graph.op('Sigmoid', [decision])) : softmax(graph, decision);
  if (estimator.find('scalings_') === undefined) return { decision, probabilities };
  return {
    decision,
    probabilities,
    frame: toFrame(addProjection(estimator, toMatrix(graph, frame), conversion), components(estimator)),
  };
};

/** Columns of `transform`. */
const components = (estimator: Estimator): number =>
  Math.min(estimator.matrix('scalings_').columns, readMaximum(estimator));

const readMaximum = (estimator: Estimator): number => {
  const maximum = estimator.find('_max_components');
  return typeof maximum === 'number' ? maximum : Number.POSITIVE_INFINITY;
};

const addProjection: (estimator: Estimator, x: Value, conversion: Parameters<Converter>[2]) => Value = (
  estimator,
  x,
  { graph },
) => {
  const directions = transpose(estimator.matrix('scalings_'));
  const count = components(estimator);
  const weights = { ...directions, rows: count, values: directions.values.subarray(0, count * directions.columns) };
  const mean = estimator.find('xbar_') === undefined ? undefined : estimator.vector('xbar_');
  return addLinear(graph, mean === undefined ? x : graph.op('Sub', [x, rowOf(graph, mean)]), weights);
};

/** The matrices of a list, one for each class. */
const matricesOf = (estimator: Estimator, name: string): Matrix[] =>
  estimator.items(name).map((each) => {
    const values = isNumpyArray(each) ? numbersOf(each) : undefined;
    if (!isNumpyArray(each) || values === undefined) return estimator.refuse(`${name} is no list of arrays`);
    estimator.assertFitted(values, name);
    return { rows: each.shape[0] ?? 0, columns: each.shape[1] ?? 1, values };
  });

const quadratic: Converter = (estimator, frame, { graph }) => {
  const x = toMatrix(graph, frame);
  const [rotations, scalings] = [matricesOf(estimator, 'rotations_'), matricesOf(estimator, 'scalings_')];
  const [means, priors] = [rowsOf(estimator.matrix('means_')), estimator.vector('priors_')];
  const scores = rotations.map((rotation, index) => {
    const scaling = scalings[index]?.values ?? new Float64Array();
    const weights = {
      ...rotation,
      values: rotation.values.map((v, at) => v * (scaling[at % rotation.columns] ?? 1) ** -0.5),
    };
    const centred = graph.op('Sub', [x, rowOf(graph, means[index] ?? [])]);
    const norm = sumRow(graph, square(graph, addLinear(graph, centred, transpose(weights))));
    const offset = scaling.reduce((sum, value) => sum + Math.log(value), 0);
    const score = graph.op('Mul', [scalar(graph, -0.5), graph.op('Add', [norm, scalar(graph, offset)])]);
    return graph.op('Add', [score, scalar(graph, Math.log(priors[index] ?? 0))]);
  });
  const all = join(graph, scores);
  const isBinary = scores.length === 2;
  const decision = isBinary ? graph.op('Sub', [pick(graph, all, 1), pick(graph, all, 0)]) : all;
  return { decision, probabilities: softmax(graph, all) };
};

export const DISCRIMINANT: Converters = {
  LinearDiscriminantAnalysis: linear,
  QuadraticDiscriminantAnalysis: quadratic,
};
