import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { refuse } from '../refuse.ts';
import { addLinear, scalar } from './formulas.ts';
import { toDouble } from './frame.ts';
import type { Matrix } from './matrix.ts';

/** The votes of more classes are a matrix of more than 256 MB. */
const MOST_CLASSES = 400;

/** The pairs of classes in the order of libsvm: 0-1, 0-2, …, 1-2, … @throws `MODEL_INVALID` for more than 400 classes */
export const pairsOf = (classes: number): [number, number][] => {
  if (classes > MOST_CLASSES)
    refuse(`it decides between each two of ${classes} classes, and at most ${MOST_CLASSES} can be converted`);
  return Array.from({ length: classes }, (_, first) =>
    Array.from({ length: classes - first - 1 }, (_unused, next): [number, number] => [first, first + next + 1]),
  ).flat();
};

/** A matrix [classes,pairs] with the same number for the first, and the same for the second, of each pair. */
const toPairMatrix = (classes: number, first: number, second: number): Matrix => {
  const pairs = pairsOf(classes);
  const values = new Float64Array(classes * pairs.length);
  pairs.forEach(([i, j], pair) => {
    values[i * pairs.length + pair] = first;
    values[j * pairs.length + pair] = second;
  });
  return { rows: classes, columns: pairs.length, values };
};

/** The votes for each class: for the second of a pair where `isSecond` bool[N,pairs] holds, for the first otherwise. */
export const countVotes = (graph: GraphBuilder, isSecond: Value, classes: number): Value => {
  const offsets = Array.from({ length: classes }, (_, index) => classes - 1 - index);
  return addLinear(graph, toDouble(graph, isSecond), toPairMatrix(classes, -1, 1), offsets);
};

/** `_ovr_decision_function` of scikit-learn: votes, and the sums of the confidences between -1/3 and 1/3. */
export const toOneVersusRest = (graph: GraphBuilder, isSecond: Value, confidences: Value, classes: number): Value => {
  const sums = addLinear(graph, confidences, toPairMatrix(classes, -1, 1));
  const size = graph.op('Add', [graph.op('Abs', [sums]), scalar(graph, 1)]);
  const share = graph.op('Div', [sums, graph.op('Mul', [scalar(graph, 3), size])]);
  return graph.op('Add', [countVotes(graph, isSecond, classes), share]);
};
