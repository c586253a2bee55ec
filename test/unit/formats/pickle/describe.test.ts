import { expect, it } from '@jest/globals';
import { itemsOf } from '../../../../src/formats/pickle/arrays.ts';
import { describe } from '../../../../src/formats/pickle/describe.ts';
import { PickledArray } from '../../../../src/formats/pickle/pickled-array.ts';
import { PyClass, PyObject, PyTuple, type PyValue } from '../../../../src/formats/pickle/values.ts';

const thing = new PyClass('m', 'Thing');

it.each<[PyValue | undefined, string]>([
  [undefined, 'nothing'],
  [null, 'None'],
  [true, 'True'],
  [false, 'False'],
  [1.5, '1.5'],
  [2n ** 64n, '18446744073709551616'],
  ['text', '"text"'],
  [thing, 'm.Thing'],
  [new PyObject(thing), 'an object of m.Thing'],
  [[1, 2], 'a list of 2'],
  [new PyTuple([1]), 'a tuple of 1'],
  [new Map([[1, 2]]), 'a dict of 1'],
  [new Set([1]), 'a set of 1'],
  [new Uint8Array(3), '3 bytes'],
  [new PickledArray(), 'an array of u1[0]'],
])('a message names %p as %s', (value, text) => {
  expect(describe(value)).toBe(text);
});

it('a message names a list that contains itself', () => {
  const list: PyValue[] = [];
  list.push(list, list);
  expect(describe(list)).toBe('a list of 2');
});

it.each([
  [
    'dates',
    { kind: 'M8', bytes: 8, isBigEndian: false },
    'elements of the type M8, expected numbers, truth values or texts',
  ],
  [
    'text beyond Unicode',
    { kind: 'U2', bytes: 8, isBigEndian: false },
    'the character 4294967295, which Unicode does not have',
  ],
])('elements that are %s are refused', (_what, type, message) => {
  const array = new PickledArray().fill({ type, shape: [1], isFortran: false, content: new Uint8Array(8).fill(255) });
  expect(() => itemsOf(array)).toThrow(
    expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
  );
});
