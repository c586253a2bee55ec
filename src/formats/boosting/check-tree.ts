import { refuse } from '../../core/errors.ts';
import type { Tree } from '../trees.ts';

/** The size of a tree. */
export interface TreeSize {
  /** Tests between the root and the farthest leaf. */
  readonly depth: number;
  readonly leaves: number;
}

/**
 * Walks a tree of a file, without recursion.
 * @throws `MODEL_INVALID` naming `where`: a child outside the tree, or with two parents; a column that the model lacks; a test against NaN
 */
export const checkTree = (tree: Tree, columns: number, where: string): TreeSize => {
  const nodes = tree.left.length;
  const seen = new Uint8Array(nodes);
  const waiting = [{ node: 0, level: 0 }];
  let [depth, leaves] = [0, 0];
  const fail = (problem: string) => refuse('MODEL_INVALID', `${where}: ${problem}: the file is damaged`);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, level } = next;
    if (!Number.isInteger(node) || node < 0 || node >= nodes) fail(`a child is node ${node} of ${nodes}`);
    if (seen[node] === 1) fail(`node ${node} is the child of two nodes`);
    seen[node] = 1;
    depth = Math.max(depth, level);
    const [left, right] = [tree.left[node] ?? -1, tree.right[node] ?? -1];
    if (left < 0) {
      leaves += 1;
      if (!Number.isFinite(tree.weight[node])) fail(`leaf ${node} has the weight ${tree.weight[node]}`);
      continue;
    }
    const feature = tree.feature[node] ?? -1;
    if (!Number.isInteger(feature) || feature < 0 || feature >= columns)
      fail(`node ${node} tests column ${feature} of ${columns}`);
    if (!tree.categories?.has(node) && Number.isNaN(tree.threshold[node] ?? Number.NaN))
      fail(`node ${node} compares with NaN`);
    waiting.push({ node: right, level: level + 1 }, { node: left, level: level + 1 });
  }
  return { depth, leaves };
};

/** The line of an outline: `100 trees of depth 1 to 6, 3000 leaves`. */
export const describeTrees = (sizes: readonly TreeSize[]): string => {
  const least = sizes.reduce((best, { depth }) => Math.min(best, depth), Number.POSITIVE_INFINITY);
  const deepest = sizes.reduce((best, { depth }) => Math.max(best, depth), 0);
  const leaves = sizes.reduce((sum, size) => sum + size.leaves, 0);
  const depth = least >= deepest ? `${deepest}` : `${least} to ${deepest}`;
  return `${sizes.length} trees of depth ${depth}, ${leaves} leaves`;
};
