import { refuse } from '../../core/errors.ts';
import { checkTree, type TreeSize } from '../boosting/check-tree.ts';
import type { Tree } from '../trees.ts';
import type { Part } from './part.ts';

/** A tree with the columns that it tests for categories. */
export interface ReadTree {
  /** A tree for each number of its leaves. */
  readonly trees: readonly Tree[];
  readonly size: TreeSize;
  readonly categorical: readonly number[];
}

/** No category has this number: it stands for an empty set. */
const NO_CATEGORY = 0.5;

/** The categories of the nodes that test them. */
const readCategories = (tree: Part): ReadonlyMap<number, readonly number[]> => {
  const nodes = Array.from(tree.find('categories_nodes')?.numbers() ?? []);
  if (nodes.length === 0) return new Map();
  const categories = Array.from(tree.get('categories').numbers());
  const starts = tree.get('categories_segments').numbers(nodes.length);
  const sizes = tree.get('categories_sizes').numbers(nodes.length);
  let end = 0;
  return new Map(
    nodes.map((node, index) => {
      const [start, size] = [starts[index] ?? 0, sizes[index] ?? 0];
      const members = categories.slice(start, start + size);
      if (start !== end || members.length !== size)
        refuse('MODEL_INVALID', `XGBoost: node ${node} lacks its ${size} categories: the file is damaged`);
      end += size;
      return [node, members.length === 0 ? [NO_CATEGORY] : members];
    }),
  );
};

/**
 * A tree of the document. Rows below the threshold go left, and so do rows whose value is none of the categories.
 * `outputs` numbers belong to a leaf of a tree with several; otherwise its number is added to `target`, times `factor`.
 * @throws `MODEL_INVALID` for a damaged tree
 */
export const readTree = (tree: Part, where: string, settings: TreeSettings): ReadTree => {
  const left = tree.get('left_children').numbers();
  const count = left.length;
  const right = tree.get('right_children').numbers(count);
  const feature = tree.get('split_indices').numbers(count);
  const threshold = tree.get('split_conditions').numbers(count);
  const defaults = tree.get('default_left').numbers(count);
  const types = tree.find('split_type')?.numbers(count);
  const categories = readCategories(tree);
  const tests = Array.from(left, (child, node) => child >= 0 && types?.[node] === 1);
  const swapped = (first: ArrayLike<number>, second: ArrayLike<number>) =>
    Array.from(first, (child, node) => (tests[node] ? second[node] : child) ?? -1);
  const shape = {
    left: swapped(left, right),
    right: swapped(right, left),
    feature,
    threshold,
    missingLeft: Array.from(defaults, (isLeft, node) => (tests[node] ? 1 - isLeft : isLeft)),
    categories: new Map(tests.flatMap((test, node) => (test ? [[node, categories.get(node) ?? [NO_CATEGORY]]] : []))),
  };
  const { target, factor } = settings;
  const weights = readLeaves(tree, { left, right, threshold }, settings);
  const trees = weights.map((weight, index): Tree => {
    const scaled = factor === 1 ? weight : Array.from(weight, (each) => Math.fround(Math.fround(each) * factor));
    return { ...shape, weight: scaled, target: target + index };
  });
  const sizes = trees.map((each) => checkTree(each, settings.columns, where));
  const categorical = tests.flatMap((test, node) => (test ? [feature[node] ?? 0] : []));
  return { trees, size: sizes[0] ?? { depth: 0, leaves: 0 }, categorical };
};

interface TreeSettings {
  readonly columns: number;
  readonly target: number;
  /** The weight of the tree, of dart. */
  readonly factor: number;
  /** Numbers of a leaf. */
  readonly leafOutputs: number;
}

/** The weights of the nodes for each number of a leaf. `right` of a leaf is its place among `leaf_weights` (XGBoost 3.1 and later). */
const readLeaves = (
  tree: Part,
  { left, right, threshold }: Record<'left' | 'right' | 'threshold', ArrayLike<number>>,
  { leafOutputs }: TreeSettings,
): readonly ArrayLike<number>[] => {
  if (leafOutputs === 1) return [threshold];
  const leaves = tree.find('leaf_weights')?.numbers();
  const weights = leaves ?? tree.get('base_weights').numbers(left.length * leafOutputs);
  if (2 * weights.length < left.length * leafOutputs)
    refuse('MODEL_INVALID', `XGBoost: leaves lack some of their ${leafOutputs} numbers: the file is damaged`);
  return Array.from({ length: leafOutputs }, (_, output) =>
    Array.from(left, (child, node) => {
      if (child >= 0) return 0;
      return weights[(leaves === undefined ? node : (right[node] ?? -1)) * leafOutputs + output] ?? Number.NaN;
    }),
  );
};
