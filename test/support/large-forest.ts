import { asPickle, bytes, global, pickleOf, reduce, text, tuple, uint32 } from './pickle-assembler.ts';

const DEPTH = 13;
/** Nodes of a full tree, of which the last 2^DEPTH are leaves. */
const NODES_OF_TREE = 2 ** (DEPTH + 1) - 1;
const COLUMNS = 20;

const thresholdOf = (tree: number, node: number): number => Math.sin(node + tree);
/** The share of the first class. */
const shareOf = (tree: number, node: number): number => ((node * 31 + tree) % 101) / 100;
const treesOf = (nodes: number): number => Math.ceil(nodes / NODES_OF_TREE);

/** A node of `sklearn.tree`: its fields by name, with the type and the place of each, and its bytes. */
const FIELDS = [
  ...['left_child i8 0', 'right_child i8 8', 'feature i8 16', 'threshold f8 24', 'impurity f8 32'],
  ...['n_node_samples i8 40', 'weighted_n_node_samples f8 48', 'missing_go_to_left u1 56'],
].map((field) => field.split(' '));
const NODE_BYTES = 64;

const integer = (value: number): Buffer => pickleOf('J', uint32(value));

const plainType = (code: string): Buffer => reduce(global('numpy', 'dtype'), text(code), integer(0), integer(1));

const nodeType = (): Buffer => {
  const fields = FIELDS.flatMap(([name = '', code = '', place]) => [
    ...[text(name), plainType(code), integer(Number(place)), 0x86, 's'],
  ]);
  const names = tuple(...FIELDS.map(([name = '']) => text(name)));
  const state = tuple(
    integer(3),
    text('|'),
    'N',
    names,
    pickleOf('}', ...fields),
    integer(NODE_BYTES),
    integer(1),
    'N',
  );
  return pickleOf(plainType(`V${NODE_BYTES}`), state, 'b');
};

const array = (shape: readonly number[], type: Uint8Array, content: Uint8Array): Buffer => {
  const made = reduce(
    global('numpy.core.multiarray', '_reconstruct'),
    global('numpy', 'ndarray'),
    tuple(integer(0)),
    bytes(Buffer.from('b')),
  );
  return pickleOf(made, tuple(integer(1), tuple(...shape.map(integer)), type, integer(0), bytes(content)), 'b');
};

const object = (module: string, name: string, state: Readonly<Record<string, Uint8Array>>): Buffer =>
  pickleOf(
    global(module, name),
    ')',
    0x81,
    '}',
    ...Object.entries(state).flatMap(([key, value]) => [text(key), value, 's']),
    'b',
  );

/** A full tree whose thresholds and leaves differ from those of other trees. */
const treeOf = (index: number): Buffer => {
  const nodes = Buffer.alloc(NODES_OF_TREE * NODE_BYTES);
  const values = new Float64Array(NODES_OF_TREE * 2);
  for (let node = 0; node < NODES_OF_TREE; node += 1) {
    const isLeaf = 2 * node + 1 >= NODES_OF_TREE;
    const at = node * NODE_BYTES;
    nodes.writeBigInt64LE(isLeaf ? -1n : BigInt(2 * node + 1), at);
    nodes.writeBigInt64LE(isLeaf ? -1n : BigInt(2 * node + 2), at + 8);
    nodes.writeBigInt64LE(isLeaf ? -2n : BigInt((node + index) % COLUMNS), at + 16);
    nodes.writeDoubleLE(isLeaf ? -2 : thresholdOf(index, node), at + 24);
    nodes.writeBigInt64LE(1n, at + 40);
    const share = shareOf(index, node);
    values.set([share, 1 - share], node * 2);
  }
  return object('sklearn.tree._tree', 'Tree', {
    nodes: array([NODES_OF_TREE], nodeType(), nodes),
    values: array([NODES_OF_TREE, 1, 2], plainType('f8'), new Uint8Array(values.buffer)),
  });
};

/** A pickle of a fitted random forest of full trees, with at least `nodes` nodes. */
export const largeForest = (nodes: number): Buffer => {
  const shared = {
    _sklearn_version: text('1.7.2'),
    n_features_in_: integer(COLUMNS),
    n_outputs_: integer(1),
    classes_: pickleOf('(', integer(0), integer(1), 'l'),
  };
  const trees = Array.from({ length: treesOf(nodes) }, (_, index) =>
    object('sklearn.tree._classes', 'DecisionTreeClassifier', { ...shared, tree_: treeOf(index) }),
  );
  const forest = { ...shared, estimators_: pickleOf('(', ...trees, 'l') };
  return asPickle(object('sklearn.ensemble._forest', 'RandomForestClassifier', forest));
};

/** The probability of the first class for a row of 20 values that float32 holds: the mean of the shares in the leaves that it comes to. */
export const answerOfForest = (nodes: number, row: readonly number[]): number => {
  let sum = 0;
  for (let tree = 0; tree < treesOf(nodes); tree += 1) {
    let node = 0;
    while (2 * node + 1 < NODES_OF_TREE)
      node = 2 * node + ((row[(node + tree) % COLUMNS] ?? 0) <= thresholdOf(tree, node) ? 1 : 2);
    sum += shareOf(tree, node);
  }
  return sum / treesOf(nodes);
};
