import { show } from '../../../core/show.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import { PyClass, PyObject, type PyValue } from '../../pickle/values.ts';
import type { Converter } from '../conversion.ts';
import { errorFunction } from '../error-function.ts';
import type { Estimator } from '../estimator.ts';
import { toDouble, toFrame, widthOf } from '../frame.ts';
import { arccos, arccosh, arcsin, arctan, arctanh, cosh, sinh } from './inverse-functions.ts';
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

/** A question about each number, as 1 and 0. */
const test =
  (ask: MathFunction): MathFunction =>
  (graph, x) =>
    toDouble(graph, ask(graph, x));

const isInfinite: MathFunction = (graph, x) =>
  graph.op('Equal', [graph.op('Abs', [x]), scalar(graph, Number.POSITIVE_INFINITY)]);
const isNan: MathFunction = operator('IsNaN');
const same: MathFunction = (_graph, x) => x;
const round: MathFunction = operator('Round');

const log: MathFunction = operator('Log');
const abs: MathFunction = operator('Abs');

/** Functions of numpy and of scipy.special, by their names there. */
const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ...{ abs, absolute: abs, fabs: abs, log, log1p: logOnePlus, expm1: expMinusOne },
  ...{ exp: operator('Exp'), sqrt: operator('Sqrt'), sin: operator('Sin'), cos: operator('Cos') },
  ...{ tanh: operator('Tanh'), sign: operator('Sign'), negative: operator('Neg'), reciprocal: operator('Reciprocal') },
  ...{ floor: operator('Floor'), ceil: operator('Ceil'), rint: round, expit: operator('Sigmoid') },
  ...{ round, round_: round, around: round, positive: same, array: same, asarray: same, ascontiguousarray: same },
  ...{ sinh, cosh, arctan, arcsin, arccos, arccosh, arctanh, erf: errorFunction },
  ...{ isnan: test(isNan), isinf: test(isInfinite) },
  isfinite: test((graph, x) => graph.op('Not', [graph.op('Or', [isNan(graph, x), isInfinite(graph, x)])])),
  logical_not: test((graph, x) => graph.op('Equal', [x, scalar(graph, 0)])),
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
  ...{ trunc: withSign(operator('Floor')), fix: withSign(operator('Floor')) },
  arcsinh: withSign((graph, x) => {
    const square = graph.op('Mul', [x, x]);
    const root = graph.op('Sqrt', [graph.op('Add', [square, scalar(graph, 1)])]);
    const share = graph.op('Div', [square, graph.op('Add', [root, scalar(graph, 1)])]);
    return logOnePlus(graph, graph.op('Add', [x, share]));
  }),
  logit: (graph, x) => log(graph, graph.op('Div', [x, graph.op('Sub', [scalar(graph, 1), x])])),
};

/** The numbers of an argument by its names; null where it is off or left out. */
type Arguments = (...names: readonly string[]) => number | null;

/** Functions with arguments, and the names that these may have. */
const WITH_ARGUMENTS: Readonly<Record<string, readonly [names: RegExp, (args: Arguments) => MathFunction]>> = {
  clip: [
    /^a?_?(?:min|max)$/,
    (args) => (graph, x) => {
      const [low, high] = [args('a_min', 'min'), args('a_max', 'max')];
      const raised =
        low === null ? x : graph.op('Where', [graph.op('Less', [x, scalar(graph, low)]), scalar(graph, low), x]);
      if (high === null) return raised;
      return graph.op('Where', [graph.op('Greater', [raised, scalar(graph, high)]), scalar(graph, high), raised]);
    },
  ],
  nan_to_num: [
    /^(?:nan|posinf|neginf)$/,
    (args) => (graph, x) => {
      const replace = (value: Value, at: Value, by: number): Value => graph.op('Where', [at, scalar(graph, by), value]);
      const infinity = (sign: number): Value => graph.op('Equal', [x, scalar(graph, sign * Number.POSITIVE_INFINITY)]);
      const numbers = replace(x, isNan(graph, x), args('nan') ?? 0);
      const below = replace(numbers, infinity(-1), args('neginf') ?? -Number.MAX_VALUE);
      return replace(below, infinity(1), args('posinf') ?? Number.MAX_VALUE);
    },
  ],
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

/** The function with its arguments. @throws `MODEL_INVALID` for arguments that it has not here */
const findFunction = (estimator: Estimator, name: string): MathFunction | undefined => {
  const parameters = estimator.find('kw_args');
  const given = new Map(parameters instanceof Map ? parameters : []);
  const [names, make] = Object.hasOwn(WITH_ARGUMENTS, name) ? (WITH_ARGUMENTS[name] ?? []) : [];
  if (names !== undefined && [...given.keys()].every((key) => typeof key === 'string' && names.test(key)))
    return make?.((...all) => {
      const value = all.map((each) => given.get(each) ?? null).find((each) => each !== null) ?? null;
      if (value === null || typeof value === 'number') return value;
      return estimator.refuse(`kw_args has ${all.join(' or ')}, and it is no number: only numbers can be converted`);
    });
  if (given.size > 0)
    return estimator.refuse(`kw_args are ${show([...given.keys()])}: a function with arguments cannot be converted`);
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
};

export const functionTransformer: Converter = (estimator, frame, { graph }) => {
  const value = estimator.get('func');
  if (value === null || isCheck(value)) return { frame };
  const called = nameOf(value);
  const isKnown = called !== undefined && LIBRARIES.test(called.module);
  const convert = isKnown ? findFunction(estimator, called.name) : undefined;
  if (convert === undefined) {
    const known = [...Object.keys(FUNCTIONS), ...Object.keys(WITH_ARGUMENTS)].join(', ');
    const problem = `func is ${called?.path ?? show(value)}, which is code`;
    return estimator.refuse(`${problem}: of functions only numpy's own can be converted (${known})`);
  }
  return { frame: toFrame(convert(graph, toNumbers(estimator, frame, graph)), widthOf(frame)) };
};
