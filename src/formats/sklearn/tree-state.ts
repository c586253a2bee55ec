import { show } from '../../core/show.ts';
import { fieldOf, numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, type NumpyArray, PyObject } from '../pickle/values.ts';
import type { Tree } from '../trees.ts';
import type { Estimator } from './estimator.ts';

/** `tree_` of a decision tree. Arrays have an element for each node; `left` of a leaf is -1. */
export interface TreeState {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly feature: Float64Array;
  readonly threshold: Float64Array;
  /** From scikit-learn 1.3. */
  readonly missingLeft: Float64Array | undefined;
  /** Rows of the training data that reached the node. */
  readonly samples: Float64Array;
  /** float64[nodes,outputs,classes]: of a classifier counts before scikit-learn 1.3, fractions after; of a regressor the value. */
  readonly values: Float64Array;
  readonly outputs: number;
  /** Most classes of an output; 1 of a regressor. */
  readonly classes: number;
}

const readArrays = (estimator: Estimator): { nodes: NumpyArray; values: NumpyArray } => {
  const tree = estimator.get('tree_');
  const state = tree instanceof PyObject && tree.state instanceof Map ? tree.state : new Map();
  const [nodes, values] = [state.get('nodes'), state.get('values')];
  return isNumpyArray(nodes) && isNumpyArray(values) && values.shape.length === 3
    ? { nodes, values }
    : estimator.refuse(`tree_ is ${show(tree)}, expected a tree with nodes and values`);
};

/** @throws `MODEL_INVALID` for nodes whose children or thresholds cannot be */
export const readTree = (estimator: Estimator, features: number): TreeState => {
  const { nodes, values } = readArrays(estimator);
  const field = (name: string) => fieldOf(nodes, name) ?? estimator.refuse(`the nodes of tree_ have no ${name}`);
  const [, outputs = 1, classes = 1] = values.shape;
  const state: TreeState = {
    left: field('left_child'),
    right: field('right_child'),
    feature: field('feature'),
    threshold: field('threshold'),
    missingLeft: fieldOf(nodes, 'missing_go_to_left'),
    samples: field('n_node_samples'),
    values: numbersOf(values) ?? estimator.refuse('values of tree_ are no numbers'),
    outputs,
    classes,
  };
  if (state.left.length * outputs * classes !== state.values.length)
    estimator.refuse(`tree_ has ${state.left.length} nodes and ${state.values.length} values`);
  if (state.values.some(Number.isNaN)) estimator.refuse('a node of tree_ has NaN as its value, expected a number');
  assertNodes(estimator, state, features);
  return state;
};

/** A child follows its parent, so that no row goes round in a circle. `features`: columns of the rows. */
export const assertNodes = (
  estimator: Estimator,
  nodes: Pick<Tree, 'left' | 'right' | 'feature' | 'threshold'>,
  features: number,
): void => {
  const count = nodes.left.length;
  if (count === 0) estimator.refuse('a tree has no node');
  const isChild = (child: number | undefined, node: number) => child !== undefined && child > node && child < count;
  for (let node = 0; node < count; node += 1) {
    if ((nodes.left[node] ?? -1) < 0) continue;
    const [feature = -1, threshold] = [nodes.feature[node], nodes.threshold[node]];
    if (!(isChild(nodes.left[node], node) && isChild(nodes.right[node], node)))
      estimator.refuse(
        `node ${node} of a tree has the children ${nodes.left[node]} and ${nodes.right[node]} of ${count}`,
      );
    if (feature < 0 || feature >= features)
      estimator.refuse(`node ${node} of a tree tests column ${feature} of ${features}`);
    if (Number.isNaN(threshold)) estimator.refuse(`node ${node} of a tree has NaN as its threshold, expected a number`);
  }
};
