import { describe, expect, it } from '@jest/globals';
import { tensor } from '../../../../src/core/tensor.ts';
import type { Cache } from '../../../../src/generation/causal/cache.ts';
import type { DecoderLayout } from '../../../../src/generation/causal/layout.ts';
import { createPrefixCache } from '../../../../src/generation/causal/prefix-cache.ts';

const LAYOUT: DecoderLayout = {
  caches: [{ past: 'past', present: 'present', dtype: 'float32', heads: 2, size: 1 }],
  ...{ tokens: 'int64', others: new Map(), vocabulary: 10, bytesPerToken: 8, isLastOnly: false },
  ...{ takesSteps: false, takesParts: false },
};

const count = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index);

/** A cache whose numbers tell head and position: 100, 101, … and 200, 201, …. */
const cacheOf = (length: number): Cache => ({
  length,
  tensors: {
    past: tensor('float32', [1, 2, length, 1], Float32Array.from([...count(length, 100), ...count(length, 200)])),
  },
});

describe('the cache of prefixes', () => {
  it('gives the longest beginning, cut in each head', () => {
    const prefixes = createPrefixCache(LAYOUT);
    prefixes.keep(count(30), cacheOf(29), undefined, 1_000);
    const found = prefixes.find([...count(20), 99, 98], undefined);
    expect(found?.length).toBe(20);
    expect(found?.tensors.past).toEqual(
      tensor('float32', [1, 2, 20, 1], Float32Array.from([...count(20, 100), ...count(20, 200)])),
    );
  });

  it('leaves the last token of a text to be computed, and short beginnings alone', () => {
    const prefixes = createPrefixCache(LAYOUT);
    prefixes.keep(count(30), cacheOf(29), undefined, 1_000);
    expect(prefixes.find(count(18), undefined)?.length).toBe(17);
    expect(prefixes.find(count(16), undefined)).toBeUndefined();
    expect(prefixes.find([7, ...count(30)], undefined)).toBeUndefined();
  });

  it('never serves another caller', () => {
    const prefixes = createPrefixCache(LAYOUT);
    prefixes.keep(count(30), cacheOf(29), 'ada', 1_000);
    expect(prefixes.find(count(30), 'bob')).toBeUndefined();
    expect(prefixes.find(count(30), undefined)).toBeUndefined();
    expect(prefixes.find(count(30), 'ada')?.length).toBe(29);
  });

  it('drops the least recently used within its bytes, and those that a longer one holds', () => {
    const prefixes = createPrefixCache(LAYOUT);
    const keep = (from: number, length: number) => prefixes.keep(count(length, from), cacheOf(length), undefined, 500);
    keep(0, 20);
    keep(0, 30);
    expect(prefixes.bytes).toBe(240);
    keep(1_000, 30);
    expect(prefixes.find(count(25), undefined)?.length).toBe(24);
    keep(2_000, 30);
    expect(prefixes.bytes).toBe(480);
    expect(prefixes.find(count(25, 1_000), undefined)).toBeUndefined();
    expect(prefixes.find(count(25), undefined)?.length).toBe(24);
    prefixes.shrink(0);
    expect(prefixes.bytes).toBe(0);
  });

  it('keeps nothing larger than its bytes, and nothing of a merged decoder', () => {
    const prefixes = createPrefixCache(LAYOUT);
    prefixes.keep(count(30), cacheOf(30), undefined, 239);
    expect(prefixes.bytes).toBe(0);
    const merged = createPrefixCache({
      ...LAYOUT,
      others: new Map([['use_cache_branch', { name: 'use_cache_branch', dtype: 'bool', shape: [1] }]]),
    });
    merged.keep(count(30), cacheOf(30), undefined, 1_000);
    expect(merged.bytes).toBe(0);
  });
});
