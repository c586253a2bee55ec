import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { longs } from '../../onnx/graph-builder.ts';
import { integer } from '../../onnx/node.ts';
import { classesOfTargets } from './classes.ts';
import type { Conversion, Converter, Converters, Results } from './conversion.ts';
import type { Estimator } from './estimator.ts';
import type { Frame } from './frame.ts';
import { toMatrix, widthOf } from './frame.ts';
import { readTree } from './tree-state.ts';
import { addLeafValues, copyValues, type Member, meanOfTrees, toFractions } from './tree-values.ts';

/** The trees of a forest; a decision tree alone is a forest of one. */
const membersOf = (estimator: Estimator, features: number): readonly Member[] => {
  const trees = estimator.find('tree_') === undefined ? estimator.estimators('estimators_') : [estimator];
  if (trees.length === 0) estimator.refuse('estimators_ is empty: fit it before it is saved');
  const members = trees.map((tree) => ({ tree: readTree(tree, features) }));
  const [first] = members;
  for (const { tree } of members)
    if (tree.outputs !== first?.tree.outputs || tree.classes !== first.tree.classes)
      estimator.refuse('its trees differ in their number of classes');
  return members;
};

const addMean = (estimator: Estimator, frame: Frame, { graph }: Conversion, isClassifier: boolean) => {
  const members = membersOf(estimator, widthOf(frame));
  const { outputs = 1, classes = 1 } = members[0]?.tree ?? {};
  const values = addLeafValues(
    graph,
    toMatrix(graph, frame),
    members,
    outputs * classes,
    isClassifier ? toFractions : copyValues,
  );
  return { mean: meanOfTrees(graph, values, members.length), classes };
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const { mean, classes } = addMean(estimator, frame, conversion, true);
  const targets = classesOfTargets(estimator);
  if (targets.length === 1) return { probabilities: mean };
  return {
    targets: targets.map(
      ({ length }, target): Results => ({
        probabilities: sliceColumns(graph, mean, target * classes, target * classes + length),
      }),
    ),
  };
};

const sliceColumns = (graph: GraphBuilder, x: Value, start: number, end: number): Value => {
  const indices = Array.from({ length: end - start }, (_, index) => start + index);
  return graph.op('Gather', [x, graph.constant(longs(indices))], { axis: integer(1) });
};

const regressor: Converter = (estimator, frame, conversion) => ({
  prediction: addMean(estimator, frame, conversion, false).mean,
});

export const FORESTS: Converters = {
  ...{ DecisionTreeClassifier: classifier, ExtraTreeClassifier: classifier },
  ...{ RandomForestClassifier: classifier, ExtraTreesClassifier: classifier },
  ...{ DecisionTreeRegressor: regressor, ExtraTreeRegressor: regressor },
  ...{ RandomForestRegressor: regressor, ExtraTreesRegressor: regressor },
};
