import type { Value } from '../../onnx/graph-builder.ts';
import { doubles } from '../../onnx/graph-builder.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import { addLinear, reduce, sumRow, transpose } from './formulas.ts';
import { type Frame, toMatrix } from './frame.ts';
import { addKernel } from './kernels.ts';
import type { Matrix } from './matrix.ts';
import { addNeighbours } from './neighbours.ts';

/** The votes of the rows of the training for each class: of the nearest ones, or of all by the kernel. */
const addVotes = (estimator: Estimator, frame: Frame, shares: Matrix, conversion: Conversion): Value => {
  const { graph } = conversion;
  if (estimator.get('kernel') === 'knn') {
    const { indices } = addNeighbours(estimator.estimator('nn_fit'), frame, conversion);
    const of = graph.op('Gather', [graph.constant(doubles([shares.rows, shares.columns], shares.values)), indices]);
    return reduce(graph, 'ReduceSum', of, false);
  }
  if (estimator.get('kernel') !== 'rbf') return estimator.refuse('kernel is code, expected "rbf" or "knn"');
  const near = addKernel(
    estimator,
    toMatrix(graph, frame),
    estimator.matrix('X_'),
    conversion,
    estimator.number('gamma'),
  );
  return addLinear(graph, near, transpose(shares));
};

/** Classes by the rows of the training that are near, which have shares of each class. */
const propagated: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const votes = addVotes(estimator, frame, estimator.matrix('label_distributions_'), conversion);
  return { probabilities: graph.op('Div', [votes, sumRow(graph, votes)]) };
};

export const LABEL_PROPAGATION: Converters = { LabelPropagation: propagated, LabelSpreading: propagated };
