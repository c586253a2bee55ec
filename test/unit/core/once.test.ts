import { describe, expect, it } from '@jest/globals';
import { once } from '../../../src/core/once.ts';

describe('once', () => {
  it('creates one value for concurrent callers', async () => {
    let created = 0;
    const get = once(async () => ++created);

    const values = await Promise.all([get(), get(), get()]);

    expect(values).toEqual([1, 1, 1]);
  });

  it('tries again after a failure', async () => {
    let attempts = 0;
    const get = once(async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('first attempt');
      return attempts;
    });

    await expect(get()).rejects.toThrow('first attempt');

    await expect(get()).resolves.toBe(2);
  });
});
