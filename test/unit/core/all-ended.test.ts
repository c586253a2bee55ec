import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { allEnded } from '../../../src/core/all-ended.ts';

describe('work that runs side by side', () => {
  it('gives its values in order', async () => {
    expect(await allEnded([setImmediate(1), Promise.resolve(2)])).toEqual([1, 2]);
    expect(await allEnded([])).toEqual([]);
  });

  it('fails with the first failure in order, once all of it has ended', async () => {
    const ended: string[] = [];
    const slow = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
      ended.push('slow');
      throw new Error('slow');
    };

    await expect(allEnded([slow(), Promise.reject(new Error('quick'))])).rejects.toThrow('slow');

    expect(ended).toEqual(['slow']);
  });
});
