import { show } from '../../../core/show.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { PyClass, PyObject, type PyValue } from '../../pickle/values.ts';
import type { Converter } from '../conversion.ts';
import { toFrame, widthOf } from '../frame.ts';
import { expMinusOne, logOnePlus, scalar, toNumbers } from './numbers.ts';

type MathFunction = (graph: GraphBuilder, x: Value) => Value;

const operator =
  (name: string): MathFunction =>
  (graph, x) =>
    graph.op(name, [x]);

const times =
  (factor: number): MathFunction =>
  (graph, x) =>
    graph.op('Mul', [x, scalar(graph, factor)]);

/** Applies functions one after another. */
const chain =
  (...functions: readonly MathFunction[]): MathFunction =>
  (graph, x) =>
    functions.reduce((value, apply) => apply(graph, value), x);

const withSign =
  (ofMagnitude: MathFunction): MathFunction =>
  (graph, x) =>
    graph.op('Mul', [graph.op('Sign', [x]), ofMagnitude(graph, graph.op('Abs', [x]))]);

const log: MathFunction = operator('Log');
const abs: MathFunction = operator('Abs');

/** Functions of numpy and of scipy.special, by their names there. */
const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ...{ abs, absolute: abs, fabs: abs, log, log1p: logOnePlus, expm1: expMinusOne },
  ...{ exp: operator('Exp'), sqrt: operator('Sqrt'), sin: operator('Sin'), cos: operator('Cos') },
  ...{ tanh: operator('Tanh'), sign: operator('Sign'), negative: operator('Neg'), reciprocal: operator('Reciprocal') },
  ...{ floor: operator('Floor'), ceil: operator('Ceil'), rint: operator('Round'), expit: operator('Sigmoid') },
  square: (graph, x) => graph.op('Mul', [x, x]),
  log2: chain(log, times(1 / Math.LN2)),
  log10: chain(log, times(1 / Math.LN10)),
  exp2: (graph, x) => graph.op('Pow', [scalar(graph, 2), x]),
  cbrt: withSign((graph, x) => graph.op('Pow', [x, scalar(graph, 1 / 3)])),
  tan: (graph, x) => graph.op('Div', [graph.op('Sin', [x]), graph.op('Cos', [x])]),
  deg2rad: times(Math.PI / 180),
  radians: times(Math.PI / 180),
  rad2deg: times(180 / Math.PI),
  degrees: times(180 / Math.PI),
  trunc: withSign(operator('Floor')),
  arcsinh: withSign((graph, x) => {
    const square = graph.op('Mul', [x, x]);
    const root = graph.op('Sqrt', [graph.op('Add', [square, scalar(graph, 1)])]);
    const share = graph.op('Div', [square, graph.op('Add', [root, scalar(graph, 1)])]);
    return logOnePlus(graph, graph.op('Add', [x, share]));
  }),
  logit: (graph, x) => log(graph, graph.op('Div', [x, graph.op('Sub', [scalar(graph, 1), x])])),
};

const LIBRARIES = /^(?:numpy|scipy[.]special)(?:[.]|$)/;

/** The function as a pickle names it; old versions of numpy wrap its name. */
const nameOf = (value: PyValue): PyClass | undefined => {
  if (value instanceof PyClass) return value;
  if (!(value instanceof PyObject) || value.type.name !== '_ufunc_reconstruct') return undefined;
  const [module, name] = value.args;
  return typeof module === 'string' && typeof name === 'string' ? new PyClass(module, name) : undefined;
};

/** True for scikit-learn's own check of numbers, with which HistGradientBoosting passes them on. */
const isCheck = (value: PyValue): boolean => {
  const [checked] = value instanceof PyObject && value.type.path === 'functools.partial' ? value.args : [];
  return checked instanceof PyClass && checked.path === 'sklearn.utils.validation.check_array';
};

export const functionTransformer: Converter = (estimator, frame, { graph }) => {
  const value = estimator.get('func');
  if (value === null || isCheck(value)) return { frame };
  const parameters = estimator.find('kw_args');
  if (parameters instanceof Map && parameters.size > 0)
    return estimator.refuse(
      `kw_args are ${show([...parameters.keys()])}: a function with arguments cannot be converted`,
    );
  const called = nameOf(value);
  const convert = called !== undefined && LIBRARIES.test(called.module) ? FUNCTIONS[called.name] : undefined;
  if (convert === undefined)
    return estimator.refuse(
      `func is ${called?.path ?? show(value)}, which is code: of functions only numpy's own can be converted (${Object.keys(FUNCTIONS).join(', ')})`,
    );
  return { frame: toFrame(convert(graph, toNumbers(estimator, frame, graph)), widthOf(frame)) };
};
