import { describe, expect, it } from '@jest/globals';
import { blankTensors, dimensionKey, isAnonymous } from '../../../src/core/blank.ts';
import { DTYPES, type Signature } from '../../../src/core/tensor.ts';

const signature: Signature = {
  inputs: [
    { name: 'ids', dtype: 'int64', shape: ['batch', '?'] },
    { name: 'mask', dtype: 'bool', shape: ['batch', '?', 2] },
    { name: 'scale', dtype: 'float32', shape: [], default: { shape: [], data: '[1]' } },
  ],
  outputs: [],
};

describe('a made-up input', () => {
  it('has the sizes by name and by position, else 1, and leaves out what has a default', () => {
    const dimensions = { batch: 2, 'mask:1': 3, '?': 9 };

    expect(blankTensors(signature, { value: 1, dimensions })).toEqual({
      ids: { dtype: 'int64', shape: [2, 1], data: BigInt64Array.of(1n, 1n) },
      mask: { dtype: 'bool', shape: [2, 3, 2], data: new Uint8Array(12).fill(1) },
    });
  });

  it('has a size by position before one by name', () => {
    const dimensions = { batch: 2, 'ids:0': 5 };

    expect(blankTensors(signature, { value: 0, dimensions })).toMatchObject({
      ...{ ids: { shape: [5, 1] }, mask: { shape: [2, 1, 2] } },
    });
  });

  it.each(DTYPES)('has zeros and ones of %s', (dtype) => {
    const inputs = [{ name: 'x', dtype, shape: [1] }];
    const elementOf = (value: 0 | 1) => blankTensors({ inputs, outputs: [] }, { value, dimensions: {} }).x?.data[0];
    const half = dtype === 'float16' ? 0x3c00 : 1;

    expect([elementOf(0), elementOf(1)].map(Number)).toEqual([0, half]);
  });
});

describe('a variable dimension', () => {
  it.each(['', '?', '-1', 'None', 'none', 'unk__17'])('called "%s" has no name', (name) => {
    expect(isAnonymous(name)).toBe(true);
    expect(dimensionKey('x', 1, name)).toBe('x:1');
  });

  it.each(['batch', 'N', 'unknown', 'a?', '1', 'unk'])('called "%s" has one', (name) => {
    expect(isAnonymous(name)).toBe(false);
    expect(dimensionKey('x', 1, name)).toBe(name);
  });
});
