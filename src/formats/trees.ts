import { type Tensor, tensor } from '../core/tensor.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { integer, integers, tensorValue } from '../onnx/node.ts';

/** A decision tree. The arrays have an element for each node; a leaf has a negative `left`. Node 0 is the root. */
export interface Tree {
  /** The child of rows that pass the test of the node. */
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  /** The column that the node tests. */
  readonly feature: ArrayLike<number>;
  readonly threshold: ArrayLike<number>;
  /** 1 where rows without a value go left. Default: they go right. */
  readonly missingLeft?: ArrayLike<number | boolean>;
  /** The values that pass the test of a node on categories, in the place of its threshold. */
  readonly categories?: ReadonlyMap<number, readonly number[]>;
  /** The weight of a leaf. */
  readonly weight: ArrayLike<number>;
  /** The column of the output to which its weights are added. */
  readonly target: number;
}

interface Tests {
  /** `LEQ`: a row passes if its value is at most the threshold. `LT`: if it is less. */
  readonly mode: 'LEQ' | 'LT';
  /** The type of the rows, thresholds and weights. */
  readonly dtype: 'float32' | 'float64';
  /** Columns of the output. */
  readonly targets: number;
}

/** Numbers of `nodes_modes`, and of `aggregate_function`. https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html */
const MODES = { LEQ: 0, LT: 1, MEMBER: 6 } as const;
const SUM = 1;

/** The lists of the operator. A child is the index of a test, or that of a leaf. */
class Ensemble {
  readonly roots: number[] = [];
  readonly features: number[] = [];
  readonly splits: number[] = [];
  readonly modes: number[] = [];
  readonly missing: number[] = [];
  readonly members: number[] = [];
  readonly leafTargets: number[] = [];
  readonly leafWeights: number[] = [];
  /** For rows that pass a test, and for those that do not. */
  readonly passed: Children = { indices: [], areLeaves: [] };
  readonly failed: Children = { indices: [], areLeaves: [] };

  /** Adds the tests of a tree, each before its children. It does not recurse, since a tree may be deep. */
  addTree(tree: Tree, mode: Tests['mode']): void {
    this.roots.push(this.features.length);
    if (isLeaf(tree, 0)) this.#addOnlyLeaf(tree);
    const waiting: Waiting[] = isLeaf(tree, 0) ? [] : [{ node: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, parent } = next;
      const test = this.#addTest(tree, node, mode);
      if (parent !== undefined) parent.children.indices[parent.test] = test;
      for (const [child, children] of [
        [tree.right[node], this.failed] as const,
        [tree.left[node], this.passed] as const,
      ])
        if (child !== undefined && !this.#addLeafChild(tree, child, children))
          waiting.push({ node: child, parent: { test, children } });
    }
  }

  /** A tree of one leaf becomes a test with that leaf on both sides. */
  #addOnlyLeaf(tree: Tree): void {
    this.#addTest({ ...tree, feature: [0], threshold: [0], categories: new Map() }, 0, 'LEQ');
    this.#addLeafChild(tree, 0, this.passed);
    this.#addLeafChild(tree, 0, this.failed);
  }

  #addTest({ feature, threshold, missingLeft, categories }: Tree, node: number, mode: Tests['mode']): number {
    const members = categories?.get(node);
    const isEmpty = members?.length === 0; // the operator takes no empty set: nothing is less than -∞ either
    if (isEmpty) return this.#addSplit(feature[node], MODES.LT, Number.NEGATIVE_INFINITY, missingLeft?.[node]);
    if (members === undefined) return this.#addSplit(feature[node], MODES[mode], threshold[node], missingLeft?.[node]);
    for (const member of members) this.members.push(member);
    this.members.push(Number.NaN);
    return this.#addSplit(feature[node], MODES.MEMBER, 0, missingLeft?.[node]);
  }

  #addSplit(feature = 0, mode: number, split = 0, missingLeft: number | boolean = 0): number {
    this.splits.push(split);
    this.modes.push(mode);
    this.missing.push(Number(missingLeft));
    return this.features.push(feature) - 1;
  }

  /** Adds the next child of a test: a leaf, or room for the index of a test. Tells whether it is a leaf. */
  #addLeafChild(tree: Tree, child: number, { indices, areLeaves }: Children): boolean {
    const leaf = isLeaf(tree, child);
    areLeaves.push(Number(leaf));
    indices.push(leaf ? this.leafWeights.length : 0);
    if (!leaf) return false;
    this.leafTargets.push(tree.target);
    this.leafWeights.push(tree.weight[child] ?? 0);
    return true;
  }
}

interface Children {
  readonly indices: number[];
  /** 1 where the child is a leaf. */
  readonly areLeaves: number[];
}

interface Waiting {
  readonly node: number;
  /** The test whose child the node is. */
  readonly parent?: { readonly test: number; readonly children: Children };
}

const isLeaf = ({ left }: Tree, node: number): boolean => (left[node] ?? -1) < 0;

/**
 * The sums of the weights of the leaves that the rows of `x` [N,F] reach, [N,targets], all in `dtype`. A value that is NaN goes the way of
 * missing values. Operator: `TreeEnsemble` of ai.onnx.ml 5, the one that compares and adds in float64 where that is asked for.
 */
export const addTrees = (
  graph: GraphBuilder,
  x: Value,
  trees: readonly Tree[],
  { mode, dtype, targets }: Tests,
): Value => {
  const all = new Ensemble();
  for (const tree of trees) all.addTree(tree, mode);
  const numbers = (values: readonly number[]) => tensorValue(toNumbers(dtype, values));
  const attributes = {
    aggregate_function: integer(SUM),
    leaf_targetids: integers(all.leafTargets),
    leaf_weights: numbers(all.leafWeights),
    ...(all.members.length > 0 && { membership_values: numbers(all.members) }),
    n_targets: integer(targets),
    nodes_falseleafs: integers(all.failed.areLeaves),
    nodes_falsenodeids: integers(all.failed.indices),
    nodes_featureids: integers(all.features),
    nodes_missing_value_tracks_true: integers(all.missing),
    nodes_modes: tensorValue(tensor('uint8', [all.modes.length], Uint8Array.from(all.modes))),
    nodes_splits: numbers(all.splits),
    nodes_trueleafs: integers(all.passed.areLeaves),
    nodes_truenodeids: integers(all.passed.indices),
    post_transform: integer(0),
    tree_roots: integers(all.roots),
  };
  return graph.op('TreeEnsemble', [x], attributes, 'ai.onnx.ml');
};

const toNumbers = (dtype: Tests['dtype'], values: readonly number[]): Tensor =>
  dtype === 'float32'
    ? tensor(dtype, [values.length], Float32Array.from(values))
    : tensor(dtype, [values.length], Float64Array.from(values));
