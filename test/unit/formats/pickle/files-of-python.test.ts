import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fieldOf, itemsOf, numbersOf } from '../../../../src/formats/pickle/arrays.ts';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import {
  isNumpyArray,
  type NumpyArray,
  PyObject,
  PyTuple,
  type PyValue,
} from '../../../../src/formats/pickle/values.ts';
import { plainValue } from '../../../support/plain-value.ts';

const FOLDER = 'test/fixtures/formats/pickle';
const LIBRARIES = readdirSync(FOLDER);

const read = (file: string): PyValue => readPickle(readFileSync(`${FOLDER}/${file}`));

/** Files of the same object by library and name. */
const GROUPS = LIBRARIES.flatMap((library) => {
  const files = readdirSync(`${FOLDER}/${library}`).filter((file) => !file.endsWith('.skops'));
  return [...new Set(files.map((file) => file.split('.')[0] ?? ''))].map((name): [string, string, string[]] => [
    library,
    name,
    files.filter((file) => file.startsWith(`${name}.`)),
  ]);
});

describe('files of Python', () => {
  it.each(GROUPS)('%s writes the same %s in every protocol and compression', (library, _name, files) => {
    const [first, ...others] = files.map((file) => plainValue(read(`${library}/${file}`)));
    expect(others.length).toBeGreaterThan(1);
    for (const other of others) expect(other).toEqual(first);
  });

  it('shared references stay shared, and dicts keep their order', () => {
    const values = read('scikit-learn-1.9.1/values.p4.pkl');
    const [, , , , , dict, , shared] = Array.isArray(values) ? values : [];
    expect(Array.isArray(shared) && shared[0] === shared[1]).toBe(true);
    expect(dict instanceof Map && [...dict.keys()].map(plainValue)).toEqual([
      'a',
      2,
      { tuple: [1, 'c'] },
      null,
      true,
      '__proto__',
    ]);
  });
});

const NUMBERS = [
  [null, true, false, 0, -1, 255, 256, 65535, 65536, -(2 ** 31), 2 ** 31, -(2 ** 40)],
  [0, -0, 1.5, -1e300, Infinity, -Infinity, Number.NaN],
];

describe('values of Python', () => {
  const values = read('scikit-learn-1.0.2/values.p5.joblib');
  const list: readonly PyValue[] = Array.isArray(values) ? values : [];
  const plain = list.map(plainValue);

  it.each<[string, number, unknown]>([
    ['integers', 0, [...(NUMBERS[0] ?? []), 2n ** 53n, 2n ** 63n, -(2n ** 70n)]],
    ['floats', 1, NUMBERS[1]],
    ['texts', 2, ['', 'a', 'é', '€', '😀', 'line\nfeed \\ \'quotes"', 'x'.repeat(300)]],
    [
      'tuples and lists',
      4,
      [...[[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]].map((tuple) => ({ tuple })), [], [[]], { dict: [] }],
    ],
    ['sets', 6, [{ set: [1, 2] }, { set: [] }, { set: ['a'] }, { set: [] }]],
    [
      'dicts of the library',
      8,
      [
        [['a', 1]],
        [['a', [1]]],
        [
          ['a', 2],
          ['b', 1],
        ],
        [['a', 1]],
      ].map((dict) => ({ dict })),
    ],
    ['scalars of numpy', 9, [1.5, 0.5, 0.25, -7, 200, true, 'hé']],
  ])('%s are what they were', (_what, index, expected) => {
    expect(plain[index]).toEqual(expected);
  });

  const arrays = list.slice(10, 15).flatMap((each) => (Array.isArray(each) ? each.filter(isNumpyArray) : []));

  it.each<[number, string, number[], unknown[]]>([
    [0, 'f8', [2, 3], [1.5, 2.5, -3, Number.NaN, Infinity, 0]],
    [1, 'i4', [3, 2], [0, 3, 1, 4, 2, 5]],
    [2, 'i2', [2, 3, 4], Array.from({ length: 24 }, (_, index) => index)],
    [3, 'f4', [2], [1, 2]],
    [4, 'U3', [3], ['a', 'bcd', '']],
    [5, 'S2', [2], ['a', 'bc']],
    [6, 'b1', [2], [true, false]],
    [7, 'u8', [0], []],
    [8, 'O', [4], [1.5, null, 'x', new PyTuple([1])]],
    [9, 'O', [2, 2], [1, 'a', null, new Uint8Array()]],
    [10, 'i8', [], [3]],
    [12, 'i8', [2], [2 ** 53, -1]],
    [13, 'f2', [3], [65504, 2 ** -24, -0]],
  ])('array %i has the type %s, its shape and its elements', (index, kind, shape, items) => {
    const array = arrays[index];
    expect(array).toMatchObject({ type: { kind }, shape });
    const found = array ? itemsOf(array) : [];
    expect(found.map((item) => (item instanceof Uint8Array ? new Uint8Array(item) : item))).toEqual(items);
  });

  it('an array of records has its fields by name', () => {
    const records = arrays[11];
    expect(records && ['left', 'threshold', 'other'].map((name) => fieldOf(records, name))).toEqual([
      Float64Array.of(1, -2),
      Float64Array.of(0.5, 1.5),
      undefined,
    ]);
  });
});

const attribute = (value: PyValue | undefined, name: string): PyValue | undefined =>
  value instanceof PyObject && value.state instanceof Map ? value.state.get(name) : undefined;

const items = (value: PyValue | undefined): readonly PyValue[] => {
  if (value instanceof PyTuple) return value.items;
  return Array.isArray(value) ? value : [];
};

/** The tree of the first estimator of the forest in the pipeline. */
const firstTree = (pipeline: PyValue): PyValue | undefined => {
  const [, voting] = items(items(attribute(pipeline, 'steps'))[1]);
  const [forest] = items(attribute(voting, 'estimators_'));
  return attribute(items(attribute(forest, 'estimators_'))[0], 'tree_');
};

const arrayOf = (value: PyValue | undefined): NumpyArray | undefined => (isNumpyArray(value) ? value : undefined);

describe('models of scikit-learn', () => {
  it.each(LIBRARIES.filter((library) => library.startsWith('scikit-learn')))('%s', (library) => {
    const pipeline = read(`${library}/model.pkl`);
    expect(library).toBe(`scikit-learn-${attribute(pipeline, '_sklearn_version')}`);
    const tree = firstTree(pipeline);
    expect(tree).toMatchObject({ type: { module: 'sklearn.tree._tree', name: 'Tree' } });
    const nodes = arrayOf(attribute(tree, 'nodes'));
    const [left, threshold] = ['left_child', 'threshold'].map((name) => nodes && fieldOf(nodes, name));
    expect(left?.length).toBe(attribute(tree, 'node_count'));
    expect(left?.[0]).toBe(1);
    expect(threshold?.every(Number.isFinite)).toBe(true);
    const values = arrayOf(attribute(tree, 'values'));
    expect(values?.shape).toEqual([left?.length, 1, 2]);
    expect(values && numbersOf(values)?.every((value) => value >= 0)).toBe(true);
  });
});
