import { describe, expect, it } from '@jest/globals';
import { type Tensor, tensor } from '../../../../src/core/tensor.ts';
import { type Cache, cutCache, freeCache, joinCache, splitCache } from '../../../../src/generation/causal/cache.ts';
import type { DecoderLayout } from '../../../../src/generation/causal/layout.ts';

const LAYOUT: DecoderLayout = {
  caches: [{ past: 'past', old: 'old', present: 'present', dtype: 'float32', heads: 2, size: 1 }],
  ...{ tokens: 'int64', others: new Map(), vocabulary: 10, bytesPerToken: 8, isLastOnly: true },
  ...{ takesSteps: true, takesParts: true },
};

const count = (length: number, from: number): number[] => Array.from({ length }, (_, index) => from + index);

/** Numbers that tell head and position: 1000, 1001, … and 2000, 2001, …. */
const tensorOf = (from: number, to: number): Tensor =>
  tensor(
    'float32',
    [1, 2, to - from, 1],
    Float32Array.from([1_000, 2_000].flatMap((head) => count(to - from, head + from))),
  );
const whole = (length: number): Cache => ({ length, tensors: { past: tensorOf(0, length) } });
const parts = (old: number, length: number): Cache => ({
  ...{ length, tensors: { past: tensorOf(old, length) }, old: whole(old) },
});
const bytesOf = ({ tensors }: Cache): number | undefined => {
  const { data } = tensors.past ?? {};
  return ArrayBuffer.isView(data) ? data.byteLength : undefined;
};

describe('a cache in two parts', () => {
  it('becomes one, head by head', () => {
    expect(joinCache(parts(70, 90), LAYOUT)).toEqual(whole(90));
    expect(joinCache(parts(70, 70), LAYOUT)).toEqual(whole(70));
    const one = whole(5);
    expect(joinCache(one, LAYOUT)).toBe(one);
  });

  it('begins with the tokens of a long text as its old part, without a copy', () => {
    const cache = whole(64);
    const split = splitCache(cache, LAYOUT);
    expect(split.old).toBe(cache);
    expect([split.length, split.tensors.past?.shape]).toEqual([64, [1, 2, 0, 1]]);
    expect(splitCache(whole(63), LAYOUT)).toEqual(whole(63));
  });

  it('keeps its old part until the newer one is long', () => {
    const short = parts(100, 163);
    expect(splitCache(short, LAYOUT)).toBe(short);
    const { old, length, tensors } = splitCache(parts(100, 164), LAYOUT);
    expect([old, length, tensors.past?.shape]).toEqual([whole(164), 164, [1, 2, 0, 1]]);
  });

  it('stays in one part for graphs that take no other', () => {
    const layout = { ...LAYOUT, takesParts: false };
    expect(splitCache(whole(500), layout)).toEqual(whole(500));
    expect(splitCache(parts(100, 120), layout)).toEqual(whole(120));
  });

  it('is cut in the newer part, or in the old one', () => {
    const cache = parts(70, 90);
    expect(cutCache(cache, LAYOUT, 90)).toBe(cache);
    expect(cutCache(cache, LAYOUT, 80)).toEqual(parts(70, 80));
    expect(cutCache(cache, LAYOUT, 80).old).toBe(cache.old);
    expect(cutCache(cache, LAYOUT, 70)).toBe(cache.old);
    expect(cutCache(cache, LAYOUT, 30)).toEqual(whole(30));
  });

  it('is freed without the parts that others keep', () => {
    const [first, other] = [parts(70, 90), parts(70, 90)];
    const next: Cache = { ...parts(70, 91), ...(first.old && { old: first.old }) };
    freeCache(first, [next]);
    expect([bytesOf(first), first.old && bytesOf(first.old)]).toEqual([0, 560]);
    freeCache(next, [other]);
    expect([bytesOf(next), next.old && bytesOf(next.old)]).toEqual([0, 0]);
    expect(other).toEqual(parts(70, 90));
  });
});
