import { show } from '../../../core/show.ts';
import { fieldOf } from '../../pickle/arrays.ts';
import { isNumpyArray, PyObject, type PyValue } from '../../pickle/values.ts';
import { type Estimator, toItems } from '../estimator.ts';

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

const share = (values: Float64Array): Float64Array => {
  const total = sum(values);
  return total > 0 ? values.map((value) => value / total) : values;
};

/** The impurity that the tests on each column of a tree take away, before it is divided by its sum. */
const impurityDecrease = (tree: Estimator): { readonly importances: Float64Array; readonly nodes: number } => {
  const { object } = tree.estimator('tree_');
  const nodes: PyValue | undefined = object.state instanceof Map ? object.state.get('nodes') : undefined;
  const read = (name: string): Float64Array =>
    (isNumpyArray(nodes) ? fieldOf(nodes, name) : undefined) ?? tree.refuse(`its tree has no ${name}`);
  const [left, right, feature] = [read('left_child'), read('right_child'), read('feature')];
  const [impurity, weight] = [read('impurity'), read('weighted_n_node_samples')];
  const importances = new Float64Array(tree.columns);
  const mass = (node: number): number => (weight[node] ?? 0) * (impurity[node] ?? 0);
  for (const [node, child] of left.entries())
    if (child >= 0) {
      const column = feature[node] ?? 0;
      importances[column] = (importances[column] ?? 0) + mass(node) - mass(child) - mass(right[node] ?? 0);
    }
  const root = weight[0] ?? 1;
  return { importances: importances.map((value) => value / root), nodes: left.length };
};

/** The mean of what `weigh` gives for each tree, float64[columns]; zeros without any. Trees of one node do not count. */
const meanOf = (trees: readonly Estimator[], columns: number, weigh: (importances: Float64Array) => Float64Array) => {
  const total = new Float64Array(columns);
  let count = 0;
  for (const tree of trees) {
    const { importances, nodes } = impurityDecrease(tree);
    if (nodes <= 1) continue;
    count += 1;
    for (const [column, value] of weigh(importances).entries()) total[column] = (total[column] ?? 0) + value;
  }
  return count === 0 ? total : total.map((value) => value / count);
};

/** `feature_importances_`, which scikit-learn computes from the trees whenever it is asked for. */
const treeImportances = (model: Estimator): Float64Array | undefined => {
  if (model.find('tree_') !== undefined) return share(impurityDecrease(model).importances);
  if (!(toItems(model.find('estimators_'))?.[0] instanceof PyObject)) return undefined;
  const trees = model.estimators('estimators_');
  if (trees.some((tree) => tree.find('tree_') === undefined)) return undefined;
  const isBoosting = model.name.startsWith('GradientBoosting');
  return share(meanOf(trees, model.columns, isBoosting ? (importances) => importances : share));
};

const NORMS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  '1': (values) => values.reduce((total, value) => total + Math.abs(value), 0),
  '2': (values) => Math.sqrt(values.reduce((total, value) => total + value * value, 0)),
  Infinity: (values) => Math.max(...values.map(Math.abs)),
};

/** The model by whose weights a `SelectFromModel` selects. */
const modelOf = (selector: Estimator): Estimator => selector.estimator('estimator_', 'estimator');

/** The weight of each column in the model of a `SelectFromModel`. @throws `MODEL_INVALID` for a model without weights */
export const importancesOf = (selector: Estimator): Float64Array => {
  const model = modelOf(selector);
  const getter = selector.find('importance_getter') ?? 'auto';
  if (getter !== 'auto' && getter !== 'coef_' && getter !== 'feature_importances_')
    return selector.refuse(`importance_getter is ${show(getter)}, expected "auto", "coef_" or "feature_importances_"`);
  const coefficients = getter === 'feature_importances_' ? undefined : model.find('coef_');
  if (!isNumpyArray(coefficients))
    return (
      treeImportances(model) ??
      selector.refuse(
        `its model ${model.object.type.path} has no coef_ and is no tree: the columns that it selects are not known`,
      )
    );
  if (coefficients.shape.length === 1) return model.vector('coef_').map(Math.abs);
  const { rows, columns, values } = model.matrix('coef_');
  const order = String(selector.find('norm_order') ?? 1);
  const norm = NORMS[order] ?? selector.refuse(`norm_order is ${order}, expected 1, 2 or inf`);
  return Float64Array.from({ length: columns }, (_, column) =>
    norm(Array.from({ length: rows }, (_row, row) => values[row * columns + column] ?? 0)),
  );
};

const isOne = (value: PyValue | undefined): boolean => typeof value === 'number' && Math.abs(value - 1) <= 1e-5;

/** Models with an L1 penalty have weights of 0, and are cut off just above it. */
const isSparse = (model: Estimator): boolean =>
  model.name.includes('Lasso') ||
  model.find('penalty') === 'l1' ||
  (/^(?:ElasticNet|LogisticRegression)(?:CV)?$/.test(model.name) && isOne(model.find('l1_ratio_', 'l1_ratio')));

const medianOf = (values: Float64Array): number => {
  const sorted = values.toSorted();
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

/** The least weight of a column that is kept. @throws `MODEL_INVALID` for a threshold that is none of scikit-learn's */
export const thresholdOf = (selector: Estimator, scores: Float64Array): number => {
  const threshold = selector.get('threshold') ?? (isSparse(modelOf(selector)) ? 1e-5 : 'mean');
  if (typeof threshold !== 'string') return Number(threshold);
  const [, factor = '1', name] = /^(?:(.+)[*])?\s*(mean|median)\s*$/.exec(threshold) ?? [];
  if (name === undefined) return selector.refuse(`threshold is "${threshold}", expected a number, "mean" or "median"`);
  return Number(factor) * (name === 'mean' ? sum(scores) / scores.length : medianOf(scores));
};
