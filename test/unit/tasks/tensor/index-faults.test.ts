import { expect, it } from '@jest/globals';
import type { Signature, Tensors } from '../../../../src/core/tensor.ts';
import { explainIndex } from '../../../../src/tasks/tensor/index-faults.ts';

const MESSAGE = 'indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]';

it('a signature may name what each object has: nothing is fed by that name', () => {
  const feeds: Tensors = { ids: { dtype: 'int64', shape: [1], data: new BigInt64Array([9n]) } };
  const sizes = [{ input: 'toString', axis: 0 }];
  const signature: Signature = {
    inputs: ['constructor', 'ids'].map((name) => ({
      name,
      dtype: 'int64',
      shape: [1],
      lookups: [{ sizes, fromEnd: false }],
    })),
    outputs: [],
  };
  expect(explainIndex(MESSAGE, 'Gather', signature, feeds)).toContain('9');
});
