import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { PyObject } from '../pickle/values.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, pick, repeatRow, rowsOf, scalar, square, sumRow, transpose } from './formulas.ts';
import { rowOf } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** Rows `x` float64[N,F] of the graph, and the rows of the training data [M,F]. */
interface Pair {
  readonly graph: GraphBuilder;
  readonly x: Value;
  readonly points: Matrix;
}

interface Kernel {
  /** The kernel of each row with each training row, float64[N,M]. */
  readonly between: (kernel: Estimator, pair: Pair) => Value;
  /** The kernel of each row with itself, float64[N,1]. */
  readonly own: (kernel: Estimator, pair: Pair) => Value;
}

/** A length for all columns, or one for each. */
const lengthsOf = (kernel: Estimator, columns: number): Float64Array => {
  const lengths = kernel.vector('length_scale');
  if (lengths.length !== 1 && lengths.length !== columns)
    kernel.refuse(`length_scale has ${lengths.length} numbers, expected 1 or ${columns}`);
  return Float64Array.from({ length: columns }, (_, column) => lengths[lengths.length === 1 ? 0 : column] ?? 1);
};

/**
 * Squared distances of rows divided by `lengths`, float64[N,M]. They are added up from differences, column by column, as scipy does. The weights
 * of a Gaussian process are large, so that the digits which a matrix product loses would be seen.
 */
const squaredDistances = ({ graph, x, points }: Pair, lengths: Float64Array): Value => {
  const scaled = graph.op('Div', [x, rowOf(graph, lengths)]);
  const columns = rowsOf(transpose(points)).map((values, column) => {
    const row = rowOf(
      graph,
      values.map((value) => value / (lengths[column] ?? 1)),
    );
    return square(graph, graph.op('Sub', [pick(graph, scaled, column), row]));
  });
  const [first, ...others] = columns;
  return others.reduce((sum, each) => graph.op('Add', [sum, each]), first ?? '');
};

const times = (graph: GraphBuilder, x: Value, factor: number): Value => graph.op('Mul', [x, scalar(graph, factor)]);

const exponential = (graph: GraphBuilder, x: Value): Value => graph.op('Exp', [x]);

const plusOne = (graph: GraphBuilder, x: Value): Value => graph.op('Add', [scalar(graph, 1), x]);

/** The kernel of Matérn; other smoothness than these four needs Bessel functions. */
const matern = (kernel: Estimator, graph: GraphBuilder, squares: Value): Value => {
  const nu = kernel.number('nu');
  if (nu === Number.POSITIVE_INFINITY) return exponential(graph, times(graph, squares, -0.5));
  const distance = graph.op('Sqrt', [squares]);
  if (nu === 0.5) return exponential(graph, graph.op('Neg', [distance]));
  const root = nu === 1.5 ? 3 : nu === 2.5 ? 5 : kernel.refuse(`nu is ${nu}, expected 0.5, 1.5, 2.5 or inf`);
  const d = times(graph, distance, Math.sqrt(root));
  const linear = plusOne(graph, d);
  const sum = nu === 1.5 ? linear : graph.op('Add', [linear, graph.op('Div', [square(graph, d), scalar(graph, 3)])]);
  return graph.op('Mul', [sum, exponential(graph, graph.op('Neg', [d]))]);
};

const constant = ({ graph, x }: Pair, value: number, count: number): Value =>
  repeatRow(graph, x, new Float64Array(count).fill(value));

const one = (_: Estimator, pair: Pair): Value => constant(pair, 1, 1);

/** Both kernels of a sum or a product. */
const both =
  (operator: string, method: keyof Kernel) =>
  (kernel: Estimator, pair: Pair): Value =>
    pair.graph.op(operator, [
      kernelsOf(kernel.estimator('k1'))[method](kernel.estimator('k1'), pair),
      kernelsOf(kernel.estimator('k2'))[method](kernel.estimator('k2'), pair),
    ]);

const power =
  (method: keyof Kernel) =>
  (kernel: Estimator, pair: Pair): Value => {
    const base = kernel.estimator('kernel');
    return pair.graph.op('Pow', [kernelsOf(base)[method](base, pair), scalar(pair.graph, kernel.number('exponent'))]);
  };

/** Kernels by the name of their class. https://scikit-learn.org/stable/modules/gaussian_process.html#kernels-for-gaussian-processes */
const KERNELS: Readonly<Record<string, Kernel>> = {
  Sum: { between: both('Add', 'between'), own: both('Add', 'own') },
  Product: { between: both('Mul', 'between'), own: both('Mul', 'own') },
  Exponentiation: { between: power('between'), own: power('own') },
  ConstantKernel: {
    between: (kernel, pair) => constant(pair, kernel.number('constant_value'), pair.points.rows),
    own: (kernel, pair) => constant(pair, kernel.number('constant_value'), 1),
  },
  /** Noise is that of a row alone: rows of the training data count as other rows. */
  WhiteKernel: {
    between: (_, pair) => constant(pair, 0, pair.points.rows),
    own: (kernel, pair) => constant(pair, kernel.number('noise_level'), 1),
  },
  RBF: {
    between: (kernel, pair) => {
      const squares = squaredDistances(pair, lengthsOf(kernel, pair.points.columns));
      return exponential(pair.graph, times(pair.graph, squares, -0.5));
    },
    own: one,
  },
  Matern: {
    between: (kernel, pair) =>
      matern(kernel, pair.graph, squaredDistances(pair, lengthsOf(kernel, pair.points.columns))),
    own: one,
  },
  RationalQuadratic: {
    between: (kernel, pair) => {
      const { graph } = pair;
      const alpha = kernel.number('alpha');
      const squares = squaredDistances(pair, new Float64Array(pair.points.columns).fill(1));
      const share = graph.op('Div', [squares, scalar(graph, 2 * alpha * kernel.number('length_scale') ** 2)]);
      return graph.op('Pow', [plusOne(graph, share), scalar(graph, -alpha)]);
    },
    own: one,
  },
  ExpSineSquared: {
    between: (kernel, pair) => {
      const { graph } = pair;
      const distance = graph.op('Sqrt', [squaredDistances(pair, new Float64Array(pair.points.columns).fill(1))]);
      const sine = graph.op('Sin', [times(graph, distance, Math.PI / kernel.number('periodicity'))]);
      const share = square(graph, graph.op('Div', [sine, scalar(graph, kernel.number('length_scale'))]));
      return exponential(graph, times(graph, share, -2));
    },
    own: one,
  },
  DotProduct: {
    between: (kernel, { graph, x, points }) =>
      graph.op('Add', [addLinear(graph, x, points), scalar(graph, kernel.number('sigma_0') ** 2)]),
    own: (kernel, { graph, x }) =>
      graph.op('Add', [sumRow(graph, square(graph, x)), scalar(graph, kernel.number('sigma_0') ** 2)]),
  },
};

const kernelsOf = (kernel: Estimator): Kernel => {
  const found = kernel.isOwn && Object.hasOwn(KERNELS, kernel.name) ? KERNELS[kernel.name] : undefined;
  return found ?? kernel.refuse(`this kernel cannot be converted: expected one of ${Object.keys(KERNELS).join(', ')}`);
};

/** Most kernels of a process. */
const MOST_KERNELS = 100;

/** @throws `MODEL_INVALID` for too many kernels: one that holds itself has no end, and one that holds another twice doubles its count */
const assertFew = (root: Estimator): void => {
  const kernels = [root];
  for (const kernel of kernels)
    for (const name of ['k1', 'k2', 'kernel']) {
      const inner = kernel.find(name);
      if (inner instanceof PyObject) kernels.push(kernel.within(inner));
      if (kernels.length > MOST_KERNELS) root.refuse(`it has more than ${MOST_KERNELS} kernels within it`);
    }
};

/** The kernel of each row with each training row, float64[N,M]. @throws `MODEL_INVALID` for a kernel that is not known */
export const addKernel = (kernel: Estimator, pair: Pair): Value => {
  assertFew(kernel);
  return kernelsOf(kernel).between(kernel, pair);
};

/** The kernel of each row with itself, float64[N,1]. Kernels are counted by `addKernel`. @throws `MODEL_INVALID` for a kernel that is not known */
export const addOwnKernel = (kernel: Estimator, pair: Pair): Value => kernelsOf(kernel).own(kernel, pair);
