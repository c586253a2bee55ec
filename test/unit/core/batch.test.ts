import { describe, expect, it } from '@jest/globals';
import { concatenate, isBatchable, rows } from '../../../src/core/batch.ts';
import type { Tensor } from '../../../src/core/tensor.ts';

const float32 = (shape: number[], ...data: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});

describe('batches', () => {
  it('join along the leading dimension, in order, and come apart again', () => {
    const joined = concatenate([{ x: float32([1, 2], 1, 2) }, { x: float32([2, 2], 3, 4, 5, 6) }]);

    expect(joined).toEqual({ x: float32([3, 2], 1, 2, 3, 4, 5, 6) });
    expect(rows(joined, 1, 3)).toEqual({ x: float32([2, 2], 3, 4, 5, 6) });
  });

  it('join 64-bit integers and strings', () => {
    const feeds = (n: bigint, text: string) => ({
      n: { dtype: 'int64', shape: [1], data: BigInt64Array.of(n) } as const,
      s: { dtype: 'string', shape: [1], data: [text] } as const,
    });

    const joined = concatenate([feeds(2n ** 62n, 'a'), feeds(-1n, 'b')]);

    expect(joined.n).toEqual({ dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) });
    expect(joined.s).toEqual({ dtype: 'string', shape: [2], data: ['a', 'b'] });
    expect(rows(joined, 1, 2).s?.data).toEqual(['b']);
  });

  it('need a variable leading dimension everywhere', () => {
    const spec = (...shape: (number | string)[]) => ({ name: 'x', dtype: 'float32', shape }) as const;

    expect(isBatchable({ inputs: [spec('batch', 3)], outputs: [spec('batch')] })).toBe(true);
    expect(isBatchable({ inputs: [spec(1, 3)], outputs: [spec('batch')] })).toBe(false);
    expect(isBatchable({ inputs: [spec('batch', 3)], outputs: [spec()] })).toBe(false);
  });
});
