import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import type { Converter, Converters } from './conversion.ts';
import { type Estimator, toItems } from './estimator.ts';
import { addLinear, reduce, scalar, sumRow, toList, toLong } from './formulas.ts';
import { rowOf, toMatrix, widthOf } from './frame.ts';
import { addNeighbours } from './neighbours.ts';
import { readTree, type TreeState } from './tree-state.ts';
import { addLeafValues, type Member } from './tree-values.ts';

const EULER = 0.5772156649015329;

/** The mean path length of an unsuccessful search in a tree of `samples`: `_average_path_length` of scikit-learn. */
const averagePath = (samples: number): number => {
  if (samples <= 1) return 0;
  return samples === 2 ? 1 : 2 * (Math.log(samples - 1) + EULER) - (2 * (samples - 1)) / samples;
};

/** The depth of each node. */
const depthsOf = ({ left, right }: TreeState): Float64Array => {
  const depths = new Float64Array(left.length);
  left.forEach((child, node) => {
    if (child < 0) return;
    depths[child] = (depths[node] ?? 0) + 1;
    depths[right[node] ?? 0] = (depths[node] ?? 0) + 1;
  });
  return depths;
};

/** 1 for rows that are none, 0 for outliers: those whose decision is below 0. */
const toResults = (graph: GraphBuilder, decision: Value) => ({
  decision,
  classIndex: toLong(graph, toList(graph, graph.op('GreaterOrEqual', [decision, scalar(graph, 0)]))),
});

const membersOf = (estimator: Estimator, width: number): Member[] => {
  const features = estimator.items('estimators_features_');
  return estimator.estimators('estimators_').map((each, index) => {
    const own = toItems(features[index])?.map(Number);
    return { tree: readTree(each, own?.length ?? width), features: own };
  });
};

const isolationForest: Converter = (estimator, frame, { graph }) => {
  const members = membersOf(estimator, widthOf(frame));
  const depths = new Map(members.map(({ tree }) => [tree, depthsOf(tree)]));
  const paths = addLeafValues(graph, toMatrix(graph, frame), members, 1, (tree, leaf, row) => {
    row[0] = (depths.get(tree)?.[leaf] ?? 0) + averagePath(tree.samples[leaf] ?? 0);
  });
  const sum = reduce(graph, 'ReduceSum', paths, false);
  const denominator = members.length * averagePath(estimator.number('_max_samples', 'max_samples_'));
  const share =
    denominator === 0 ? scalar(graph, -1) : graph.op('Div', [graph.op('Neg', [sum]), scalar(graph, denominator)]);
  const score = graph.op('Neg', [graph.op('Pow', [scalar(graph, 2), share])]);
  return toResults(graph, graph.op('Sub', [score, scalar(graph, estimator.number('offset_'))]));
};

const stochastic: Converter = (estimator, frame, { graph }) => {
  const products = addLinear(graph, toMatrix(graph, frame), estimator.matrix('coef_'));
  return toResults(graph, graph.op('Sub', [products, scalar(graph, estimator.number('offset_'))]));
};

const elliptic: Converter = (estimator, frame, { graph }) => {
  const centred = graph.op('Sub', [toMatrix(graph, frame), rowOf(graph, estimator.vector('location_'))]);
  const products = graph.op('Mul', [addLinear(graph, centred, estimator.matrix('precision_')), centred]);
  const score = graph.op('Neg', [sumRow(graph, products)]);
  return toResults(graph, graph.op('Sub', [score, scalar(graph, estimator.number('offset_'))]));
};

/** The density around a row, compared with that around its neighbours. */
const localOutlierFactor: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  if (!estimator.flag('novelty')) return estimator.refuse('novelty is False: it tells nothing of new rows');
  const count = estimator.number('n_neighbors_');
  const { indices, distances } = addNeighbours(estimator, frame, conversion, count);
  const known = estimator.matrix('_distances_fit_X_');
  const farthest = known.values.filter((_, index) => index % known.columns === count - 1);
  const at = (values: Float64Array): Value =>
    graph.op('Gather', [graph.constant(doubles([values.length], values)), indices]);
  const reach = reduce(graph, 'ReduceMean', graph.op('Max', [distances, at(farthest)]));
  const density = graph.op('Div', [scalar(graph, 1), graph.op('Add', [reach, scalar(graph, 1e-10)])]);
  const ratios = graph.op('Div', [at(estimator.vector('_lrd')), density]);
  const score = graph.op('Neg', [reduce(graph, 'ReduceMean', ratios)]);
  return toResults(graph, graph.op('Sub', [score, scalar(graph, estimator.number('offset_'))]));
};

export const OUTLIERS: Converters = {
  ...{ IsolationForest: isolationForest, SGDOneClassSVM: stochastic, EllipticEnvelope: elliptic },
  LocalOutlierFactor: localOutlierFactor,
};
