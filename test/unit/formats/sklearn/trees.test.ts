import { beforeEach, describe, expect, it } from '@jest/globals';
import { isNumpyArray, type NumpyArray, PyObject, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { importSklearn } from '../../../../src/formats/sklearn/import-sklearn.ts';
import { readModels } from '../../../support/parity/sklearn.ts';

const stateOf = (value: PyValue | undefined): Map<PyValue, PyValue> => {
  if (value instanceof PyObject && value.state instanceof Map) return value.state;
  throw new Error('no state');
};

/** Writes into a field of a node of the tree. */
const overwrite = ({ content, type }: NumpyArray, node: number, field: string, value: number | bigint): void => {
  const place = type.fields?.get(field);
  if (place === undefined || !(content instanceof Uint8Array)) throw new Error(`no field ${field}`);
  const view = new DataView(content.buffer, content.byteOffset + node * type.bytes + place.offset);
  if (typeof value === 'bigint') view.setBigInt64(0, value, true);
  else view.setFloat64(0, value, true);
};

describe('damaged trees', () => {
  let tree: PyValue;
  let nodes: NumpyArray;

  beforeEach(async () => {
    tree = (await readModels('1.9.1')).get('tree') ?? null;
    const found = stateOf(stateOf(tree).get('tree_')).get('nodes');
    if (!isNumpyArray(found) || !(found.content instanceof Uint8Array)) throw new Error('no nodes');
    nodes = { ...found, content: Uint8Array.from(found.content) };
    stateOf(stateOf(tree).get('tree_')).set('nodes', nodes);
  });

  it.each<[string, number, string, number | bigint, RegExp]>([
    ['a threshold that is NaN', 0, 'threshold', Number.NaN, /node 0 of a tree has NaN as its threshold/],
    ['a child that is its parent', 0, 'left_child', 0n, /node 0 of a tree has the children 0 and/],
    ['a child before its parent', 1, 'right_child', 0n, /node 1 of a tree has the children 2 and 0/],
    ['a child that is not there', 0, 'right_child', 4_000n, /node 0 of a tree has the children 1 and 4000/],
    ['a column that is not there', 0, 'feature', 4n, /node 0 of a tree tests column 4 of 4/],
    ['a column before the first', 0, 'feature', -1n, /node 0 of a tree tests column -1 of 4/],
  ])('%s is refused', (_, node, field, value, message) => {
    overwrite(nodes, node, field, value);
    expect(() => importSklearn(tree)).toThrow(message);
  });

  it('fewer values than nodes are refused', () => {
    const state = stateOf(stateOf(tree).get('tree_'));
    const values = state.get('values');
    if (!isNumpyArray(values) || !(values.content instanceof Uint8Array)) throw new Error('no values');
    const [count = 0, ...rest] = values.shape;
    state.set('values', { ...values, shape: [count - 1, ...rest] });
    expect(() => importSklearn(tree)).toThrow(/tree_ has \d+ nodes and \d+ values/);
  });
});
