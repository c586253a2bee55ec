import { describe, expect, it } from '@jest/globals';
import { assertTimeLeft, deadlineAt, earliest, mapInTime, within } from '../../../src/core/deadline.ts';

const fixed = (remainingMs: number) => ({ remainingMs: () => remainingMs });

describe('deadline', () => {
  it('is the earliest of several', () => {
    expect(earliest(fixed(5), fixed(-3), fixed(100)).remainingMs()).toBe(-3);
  });

  it('counts down to a moment', () => {
    const remainingMs = deadlineAt(Date.now() + 60_000).remainingMs();
    expect(remainingMs).toBeGreaterThan(0);
    expect(remainingMs).toBeLessThanOrEqual(60_000);
    expect(deadlineAt(Date.now() - 1).remainingMs()).toBeLessThan(0);
  });

  it('refuses to start what can no longer end in time', () => {
    expect(() => assertTimeLeft(fixed(1))).not.toThrow();
    expect(() => assertTimeLeft(fixed(0))).toThrow(expect.objectContaining({ code: 'DEADLINE_EXCEEDED' }));
  });
});

describe('mapInTime', () => {
  it('maps every item in its order', () => {
    expect(mapInTime(['a', 'b'], fixed(1), (item, index) => item + index)).toEqual(['a0', 'b1']);
  });

  it('stops at the deadline, and says how many items were done', () => {
    let remainingMs = 2;
    const ending = { remainingMs: () => remainingMs-- };

    expect(() => mapInTime(['a', 'b', 'c', 'd'], ending, (item) => item)).toThrow(
      expect.objectContaining({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('2 of 4 inputs') }),
    );
  });
});

describe('within', () => {
  it('resolves to what the work resolves to', async () => {
    await expect(within(fixed(60_000), Promise.resolve('done'), 'late')).resolves.toBe('done');
  });

  it('passes on why the work failed', async () => {
    await expect(within(fixed(60_000), Promise.reject(new Error('broken')), 'late')).rejects.toThrow('broken');
  });

  it('stops waiting at the deadline, and says what for', async () => {
    const never = new Promise(() => {});

    await expect(within(fixed(1), never, 'still loading')).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: 'still loading',
    });
  });

  it('waits as long as it takes when there is no deadline', async () => {
    const work = new Promise((resolve) => setTimeout(() => resolve('done'), 20));

    await expect(within(fixed(Number.POSITIVE_INFINITY), work, 'late')).resolves.toBe('done');
  });
});
