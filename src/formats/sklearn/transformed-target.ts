import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import { Estimator } from './estimator.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import { inversePower, inverseQuantiles } from './preprocessing/inverse-distributions.ts';
import { predictionOf } from './results.ts';

type Inverse = (estimator: Estimator, value: Value, conversion: Conversion) => Value;

/** A numeric attribute of each column as a row of the graph; undefined where the setting is off. */
const rowAt = (graph: GraphBuilder, estimator: Estimator, name: string): Value | undefined =>
  (estimator.get(name) ?? null) === null ? undefined : rowOf(graph, estimator.vector(name));

/** `value * scale + shift`, either of which may be off. */
const scaleBack =
  (shiftName: string | undefined): Inverse =>
  (estimator, value, { graph }) => {
    const scale = rowAt(graph, estimator, 'scale_');
    const shift = shiftName === undefined ? undefined : rowAt(graph, estimator, shiftName);
    const scaled = scale === undefined ? value : graph.op('Mul', [value, scale]);
    return shift === undefined ? scaled : graph.op('Add', [scaled, shift]);
  };

const minMax: Inverse = (estimator, value, { graph }) => {
  const shifted = graph.op('Sub', [value, rowOf(graph, estimator.vector('min_'))]);
  return graph.op('Div', [shifted, rowOf(graph, estimator.vector('scale_'))]);
};

/** The inverse of a function is a transformer of its own, whose function it is. */
const inverseFunction: Inverse = (estimator, value, { convert, graph }) => {
  const turned = new PyObject(estimator.object.type);
  turned.state = new Map<PyValue, PyValue>([
    ['func', estimator.get('inverse_func')],
    ['kw_args', estimator.find('inv_kw_args') ?? null],
  ]);
  const { frame } = convert(new Estimator(turned, estimator.version), toFrame(value, 1));
  return frame === undefined ? value : toMatrix(graph, frame);
};

const inversePipeline: Inverse = (estimator, value, conversion) =>
  estimator
    .items('steps')
    .map((step) => (step instanceof PyTuple ? step.items[1] : undefined))
    .filter((step) => step !== 'passthrough' && step !== null)
    .reduceRight<Value>(
      (inner, step) =>
        step instanceof PyObject
          ? invert(new Estimator(step, estimator.version), inner, conversion)
          : estimator.refuse('a step is no transformer'),
      value,
    );

const powerTransformer: Inverse = (estimator, value, conversion) => {
  const isScaled = estimator.flag('standardize');
  const scaled = isScaled ? scaleBack('mean_')(estimator.estimator('_scaler'), value, conversion) : value;
  return inversePower(conversion.graph, scaled, estimator);
};

const INVERSES: Readonly<Record<string, Inverse>> = {
  StandardScaler: scaleBack('mean_'),
  RobustScaler: scaleBack('center_'),
  MaxAbsScaler: scaleBack(undefined),
  MinMaxScaler: minMax,
  PowerTransformer: powerTransformer,
  QuantileTransformer: (estimator, value, { graph }) => inverseQuantiles(graph, value, estimator),
  FunctionTransformer: inverseFunction,
  Pipeline: inversePipeline,
};

const invert: Inverse = (estimator, value, conversion) => {
  const inverse = estimator.isOwn ? INVERSES[estimator.name] : undefined;
  if (inverse === undefined)
    return estimator.refuse(`its inverse is unknown here: expected one of ${Object.keys(INVERSES).join(', ')}`);
  return inverse(estimator, value, conversion);
};

const transformedTarget: Converter = (estimator, frame, conversion) => {
  const inner = estimator.estimator('regressor_');
  const prediction = predictionOf(inner, conversion.convert(inner, frame));
  return { prediction: invert(estimator.estimator('transformer_'), prediction, conversion) };
};

export const TRANSFORMED_TARGET: Converters = { TransformedTargetRegressor: transformedTarget };
