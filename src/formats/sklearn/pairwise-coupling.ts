import { tensor } from '../../core/tensor.ts';
import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles, longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { clip, join, reduce, repeatRow, scalar, sumRow } from './formulas.ts';

/** Bounds of the probability of a pair, and the error that ends the iteration: those of libsvm. */
const SMALLEST = 1e-7;
const ERROR = 0.005;
const ITERATIONS = 100;

interface Equations {
  /** float64[N,classes,classes]. */
  readonly q: Value;
  readonly classes: number;
}

/** The matrix Q of the quadratic form from the probability of the first class of each pair, float64[N,pairs]. */
const toEquations = (
  graph: GraphBuilder,
  first: Value,
  classes: number,
  pairs: readonly (readonly [number, number])[],
): Equations => {
  const zero = repeatRow(graph, first, [0]);
  const values = join(graph, [first, graph.op('Sub', [scalar(graph, 1), first]), zero]);
  const places = new Array<number>(classes * classes).fill(2 * pairs.length);
  pairs.forEach(([i, j], pair) => {
    places[i * classes + j] = pair;
    places[j * classes + i] = pairs.length + pair;
  });
  const flat = graph.op('Gather', [values, graph.constant(longs(places))], { axis: integer(1) });
  const r = graph.op('Reshape', [flat, graph.constant(longs([-1, classes, classes]))]);
  const turned = graph.op('Transpose', [r], { perm: { type: 'integers', value: [0, 2, 1] } });
  const squares = graph.op('ReduceSum', [graph.op('Mul', [r, r]), graph.constant(longs([1]))]);
  const identity = Array.from({ length: classes * classes }, (_, index) => Number(index % (classes + 1) === 0));
  const diagonal = graph.op('Mul', [squares, graph.constant(doubles([1, classes, classes], identity))]);
  return { q: graph.op('Sub', [diagonal, graph.op('Mul', [r, turned])]), classes };
};

/** The row `index` of Q, float64[N,classes]. */
const rowAt = (graph: GraphBuilder, { q }: Equations, index: number): Value =>
  graph.op('Squeeze', [
    graph.op('Gather', [q, graph.constant(longs([index]))], { axis: integer(1) }),
    graph.constant(longs([1])),
  ]);

const columnAt = (graph: GraphBuilder, x: Value, index: number): Value =>
  graph.op('Gather', [x, graph.constant(longs([index]))], { axis: integer(1) });

/** An iteration over all classes as in libsvm: each class in turn, with the sum kept at 1. */
const addSweep = (graph: GraphBuilder, equations: Equations, start: Value, startQp: Value, startPQp: Value): Value => {
  let [p, qp, pqp] = [start, startQp, startPQp];
  for (let t = 0; t < equations.classes; t += 1) {
    const row = rowAt(graph, equations, t);
    const [own, ownQp] = [columnAt(graph, row, t), columnAt(graph, qp, t)];
    const change = graph.op('Div', [graph.op('Sub', [pqp, ownQp]), own]);
    const scale = graph.op('Add', [scalar(graph, 1), change]);
    const unit = graph.constant(
      doubles(
        [1, equations.classes],
        Array.from({ length: equations.classes }, (_, i) => Number(i === t)),
      ),
    );
    const inner = graph.op('Add', [graph.op('Mul', [change, own]), graph.op('Mul', [scalar(graph, 2), ownQp])]);
    const grown = graph.op('Add', [pqp, graph.op('Mul', [change, inner])]);
    pqp = graph.op('Div', [graph.op('Div', [grown, scale]), scale]);
    qp = graph.op('Div', [graph.op('Add', [qp, graph.op('Mul', [change, row])]), scale]);
    p = graph.op('Div', [graph.op('Add', [p, graph.op('Mul', [change, unit])]), scale]);
  }
  return p;
};

/** The body of the loop: (iteration, condition, p) → (condition, p). Rows that have converged stay as they are. */
const addBody = (outer: GraphBuilder, equations: Equations) => {
  const graph = outer.subgraph('coupling');
  const { q, classes } = equations;
  graph.input('coupling_iteration', 'int64', []);
  graph.input('coupling_condition', 'bool', []);
  const p = graph.input('coupling_p', 'float64', ['', classes]);
  const column = graph.op('Unsqueeze', [p, graph.constant(longs([2]))]);
  const qp = graph.op('Squeeze', [graph.op('MatMul', [q, column]), graph.constant(longs([2]))]);
  const pqp = sumRow(graph, graph.op('Mul', [p, qp]));
  const error = reduce(graph, 'ReduceMax', graph.op('Abs', [graph.op('Sub', [qp, pqp])]));
  const isDone = graph.op('Less', [error, scalar(graph, ERROR / classes)]);
  const next = graph.op('Where', [isDone, p, addSweep(graph, equations, p, qp, pqp)]);
  const largest = graph.op('ReduceMax', [error], { keepdims: integer(0) });
  const limit = graph.constant(tensor('float64', [], Float64Array.of(ERROR / classes)));
  graph.output('coupling_goes_on', graph.op('GreaterOrEqual', [largest, limit]), 'bool', []);
  graph.output('coupling_next', next, 'float64', ['', classes]);
  return graph.toGraph();
};

/**
 * Probabilities float64[N,classes] from those of each pair, float64[N,pairs]: method 2 of Wu, Lin and Weng (2004). Start, order and end are those of
 * libsvm, since it ends long before the last digit.
 */
export const couple = (
  graph: GraphBuilder,
  pairwise: Value,
  classes: number,
  pairs: readonly (readonly [number, number])[],
): Value => {
  const equations = toEquations(graph, clip(graph, pairwise, SMALLEST, 1 - SMALLEST), classes, pairs);
  const start = repeatRow(graph, pairwise, new Float64Array(classes).fill(1 / classes));
  const iterations = graph.constant(tensor('int64', [], BigInt64Array.of(BigInt(Math.max(ITERATIONS, classes)))));
  const isFirst = graph.constant(tensor('bool', [], Uint8Array.of(1)));
  return graph.op('Loop', [iterations, isFirst, start], { body: { type: 'graph', value: addBody(graph, equations) } });
};
