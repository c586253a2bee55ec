import type { Value } from '../../onnx/graph-builder.ts';
import { numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray } from '../pickle/values.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, pick, softmax, toPair, transpose } from './formulas.ts';
import type { Frame } from './frame.ts';
import { toMatrix } from './frame.ts';
import { isMultilabelBinarizer } from './linear.ts';
import type { Matrix } from './matrix.ts';

/** Operators of the activations of a hidden layer. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  tanh: 'Tanh',
  logistic: 'Sigmoid',
  identity: 'Identity',
};

const readLayers = (estimator: Estimator): { weights: Matrix; offsets: Float64Array }[] => {
  const offsets = estimator.items('intercepts_');
  return estimator.items('coefs_').map((each, layer) => {
    const [values, offset] = [each, offsets[layer]].map((array) =>
      isNumpyArray(array) ? numbersOf(array) : undefined,
    );
    if (!isNumpyArray(each) || values === undefined || offset === undefined)
      return estimator.refuse(`layer ${layer} has no weights`);
    estimator.assertFitted(values, 'coefs_');
    estimator.assertFitted(offset, 'intercepts_');
    const [rows = 0, columns = 0] = each.shape;
    return { weights: transpose({ rows, columns, values }), offsets: offset };
  });
};

/** The last layer before its activation, float64[N,outputs]. */
const addLayers = (estimator: Estimator, frame: Frame, { graph }: Conversion): { x: Value; outputs: number } => {
  const name = estimator.text('activation');
  const activation = ACTIVATIONS[name] ?? estimator.refuse(`its activation ${name} is unknown`);
  const layers = readLayers(estimator);
  let x = toMatrix(graph, frame);
  layers.forEach(({ weights, offsets }, layer) => {
    x = addLinear(graph, x, weights, offsets);
    if (layer < layers.length - 1) x = graph.op(activation, [x]);
  });
  return { x, outputs: layers.at(-1)?.offsets.length ?? 0 };
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { x, outputs } = addLayers(estimator, frame, conversion);
  if (estimator.text('out_activation_') === 'softmax') return { probabilities: softmax(graph, x) };
  const p = graph.op('Sigmoid', [x]);
  if (!isMultilabelBinarizer(estimator)) return { probabilities: toPair(graph, p) };
  return {
    targets: Array.from({ length: outputs }, (_, target) => ({ probabilities: toPair(graph, pick(graph, p, target)) })),
  };
};

/** The activation of the last layer of a regressor; from scikit-learn 1.7 the loss `poisson` has `exp`. */
const OUTPUTS: Readonly<Record<string, string>> = { identity: 'Identity', exp: 'Exp' };

const regressor: Converter = (estimator, frame, conversion) => {
  const { x } = addLayers(estimator, frame, conversion);
  const name = estimator.text('out_activation_');
  const activation = OUTPUTS[name] ?? estimator.refuse(`its last activation ${name} is unknown`);
  return { prediction: conversion.graph.op(activation, [x]) };
};

export const NEURAL_NETWORK: Converters = { MLPClassifier: classifier, MLPRegressor: regressor };
