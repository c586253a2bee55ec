import { refuse } from '../../core/errors.ts';
import { checkTree, type TreeSize } from '../boosting/check-tree.ts';
import type { Tree } from '../trees.ts';
import { type Fields, failDamaged, readList, readNumbers } from './text.ts';

/** Bits of `decision_type`, and the kinds of missing values in it. https://github.com/microsoft/LightGBM/blob/master/include/LightGBM/tree.h */
const CATEGORICAL = 1;
const DEFAULT_LEFT = 2;
const MISSING = { none: 0, zero: 1 } as const;

/** No category has this number: it stands for an empty set. */
const NO_CATEGORY = 0.5;

export interface ReadTree {
  readonly tree: Tree;
  readonly size: TreeSize;
  /** Columns that it tests for categories. */
  readonly categorical: readonly number[];
  /** Columns in which 0 is a missing value. */
  readonly zeroMissing: readonly number[];
}

/** The numbers of the bits that are set in words of 32. */
const readBits = (words: readonly number[]): number[] =>
  words.flatMap((word, index) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => Math.floor(word / 2 ** bit) % 2 === 1)
      .map((bit) => index * 32 + bit),
  );

/** The sets of categories of a tree, each of which one of its tests has. */
const readSets = (fields: Fields, tests: number): number[][] => {
  const boundaries = tests === 0 ? [] : readNumbers(fields, 'cat_boundaries', tests + 1);
  const words = readList(fields.get('cat_threshold') ?? '');
  if (boundaries.some((start, index) => start < (boundaries[index - 1] ?? 0) || start > words.length))
    failDamaged(`cat_boundaries of tree ${fields.get('Tree')} do not cut ${words.length} words`);
  return boundaries.slice(0, -1).map((start, index) => {
    const members = readBits(words.slice(start, boundaries[index + 1]));
    return members.length === 0 ? [NO_CATEGORY] : members;
  });
};

/** The way of a missing value: its own, or that of 0 where training saw none. */
const isMissingLeft = (decision: number, threshold: number): boolean => {
  if ((decision & CATEGORICAL) !== 0) return false;
  return ((decision >> 2) & 3) === MISSING.none ? threshold >= 0 : (decision & DEFAULT_LEFT) !== 0;
};

/** Tests come first, then leaves: a negative child of the file is a leaf, -1 the first. */
const readShape = (fields: Fields, leaves: number) => {
  const tests = leaves - 1;
  const ofTests = (name: string) => readNumbers(fields, name, tests);
  const weights = readNumbers(fields, 'leaf_value', leaves);
  const toNode = (child: number) => (child < 0 ? tests - 1 - child : child);
  const padding = new Array<number>(leaves).fill(-1);
  return {
    left: [...ofTests('left_child').map(toNode), ...padding],
    right: [...ofTests('right_child').map(toNode), ...padding],
    feature: [...ofTests('split_feature'), ...padding],
    threshold: [...ofTests('threshold'), ...padding],
    weight: [...new Array<number>(tests).fill(0), ...weights],
  };
};

/** A tree of the file. @throws `MODEL_INVALID` for `linear_tree`, and for a damaged tree */
export const readTree = (fields: Fields, columns: number, target: number): ReadTree => {
  const where = `LightGBM: tree ${fields.get('Tree')}`;
  if (fields.get('is_linear') === '1')
    refuse(
      'MODEL_INVALID',
      `${where} has linear functions in its leaves, expected numbers: train with linear_tree=False`,
    );
  const leaves = Number(fields.get('num_leaves'));
  if (!Number.isInteger(leaves) || leaves < 1) failDamaged(`num_leaves of tree ${fields.get('Tree')} is ${leaves}`);
  const shape = readShape(fields, leaves);
  const decisions = leaves === 1 ? [] : readNumbers(fields, 'decision_type', leaves - 1);
  const categorical = [...decisions.keys()].filter((node) => ((decisions[node] ?? 0) & CATEGORICAL) !== 0);
  const places = categorical.map((node) => shape.threshold[node] ?? -1);
  const sets = readSets(fields, categorical.length);
  if (new Set(places).size !== places.length || !places.every((place) => place in sets))
    failDamaged(`the tests of tree ${fields.get('Tree')} lack categories`);
  const categories = new Map(categorical.map((node, index) => [node, sets[places[index] ?? 0] ?? []]));
  const missingLeft = decisions.map((decision, node) => isMissingLeft(decision, shape.threshold[node] ?? 0));
  const tree: Tree = { ...shape, missingLeft, categories, target };
  return {
    tree,
    size: checkTree(tree, columns, where),
    categorical: categorical.map((node) => shape.feature[node] ?? 0),
    zeroMissing: decisions.flatMap((decision, node) =>
      (decision & CATEGORICAL) === 0 && ((decision >> 2) & 3) === MISSING.zero ? [shape.feature[node] ?? 0] : [],
    ),
  };
};
