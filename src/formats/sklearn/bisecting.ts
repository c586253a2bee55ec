import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { longs } from '../../onnx/graph-builder.ts';
import type { Converter } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, argMin, pick, scalar, squaredDistances, toList } from './formulas.ts';
import { rowOf, toFrame, toMatrix } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** A cluster of the tree: a leaf with its label, or two halves with their centres. */
type Cluster = number | Halves;
interface Halves {
  /** The place of its decision among all. */
  readonly index: number;
  readonly left: Cluster;
  readonly right: Cluster;
}

/** Decides between the centres of two halves: a row `x` goes left where `weights` · x is not above `limit`. */
interface Decision {
  readonly weights: Float64Array;
  readonly limit: number;
}

/** Most halvings between the tree's root and a cluster: each is one of the graph, and one more level of recursion. */
const DEEPEST = 1000;

const squareOf = (center: Float64Array): number => center.reduce((sum, value) => sum + value * value, 0);

/** The left one is the nearer centre, also where both are as near. */
const between = (left: Float64Array, right: Float64Array): Decision => ({
  weights: right.map((value, column) => 2 * (value - (left[column] ?? 0))),
  limit: squareOf(right) - squareOf(left),
});

/** Reads the tree, and puts its decisions into `decisions`. @throws `MODEL_INVALID` for a tree that has another number of leaves */
const readTree = (estimator: Estimator, clusters: number, columns: number, decisions: Decision[]): Cluster => {
  const damaged = (): never => estimator.refuse('_bisecting_tree is damaged, expected a leaf for each cluster');
  let leaves = 0;
  const centerOf = (node: Estimator): Float64Array => {
    const center = node.vector('center');
    return center.length === columns ? center : damaged();
  };
  const read = (node: Estimator, depth = 0): Cluster => {
    if (depth > DEEPEST)
      estimator.refuse(`_bisecting_tree is more than ${DEEPEST} clusters deep: fit it with a smaller n_clusters`);
    if ((node.find('left') ?? null) === null) {
      const label = node.number('label');
      leaves += 1;
      return leaves <= clusters && label >= 0 && label < clusters ? label : damaged();
    }
    if (decisions.length >= clusters - 1) return damaged();
    const [left, right] = [node.estimator('left'), node.estimator('right')];
    const index = decisions.push(between(centerOf(left), centerOf(right))) - 1;
    return { index, left: read(left, depth + 1), right: read(right, depth + 1) };
  };
  return read(estimator.estimator('_bisecting_tree'));
};

/** The label int64[N] at the end of the way of each row, which goes left where `isLeft` bool[N,decisions] is true. */
const addWay = (graph: GraphBuilder, isLeft: Value, cluster: Cluster): Value => {
  if (typeof cluster === 'number') return graph.constant(longs([cluster]));
  const { index, left, right } = cluster;
  const condition = toList(graph, pick(graph, isLeft, index));
  return graph.op('Where', [condition, addWay(graph, isLeft, left), addWay(graph, isLeft, right)]);
};

/** The cluster in which a way through the halves ends, which need not be the one with the nearest centre. */
const labelOf = (estimator: Estimator, x: Value, centers: Matrix, graph: GraphBuilder): Value | undefined => {
  const decisions: Decision[] = [];
  const root = readTree(estimator, centers.rows, centers.columns, decisions);
  if (typeof root === 'number') return undefined;
  const mean = estimator.find('_X_mean') === undefined ? undefined : rowOf(graph, estimator.vector('_X_mean'));
  const centred = mean === undefined ? x : graph.op('Sub', [x, mean]);
  const values = Float64Array.from(decisions.flatMap(({ weights }) => [...weights]));
  const weights = { rows: decisions.length, columns: centers.columns, values };
  const limits = decisions.map(({ limit }) => -limit);
  const isLeft = graph.op('LessOrEqual', [addLinear(graph, centred, weights, limits), scalar(graph, 0)]);
  return addWay(graph, isLeft, root);
};

/** BisectingKMeans. `transform` gives the distances from all centres. */
export const bisecting: Converter = (estimator, frame, { graph }) => {
  const centers = estimator.matrix('cluster_centers_');
  const x = toMatrix(graph, frame);
  const squares = squaredDistances(graph, x, centers);
  const classIndex = labelOf(estimator, x, centers, graph) ?? argMin(graph, squares);
  return { frame: toFrame(graph.op('Sqrt', [squares]), centers.rows), classIndex };
};
