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

describe('work that hangs', () => {
  const fixed = (remainingMs: number) => ({ remainingMs: () => remainingMs });
  const hanging = new Promise<number>(() => {});

  it('is left at the deadline of who waits, and the next caller starts anew', async () => {
    const works = [hanging, Promise.resolve(2)];
    const get = once(() => works.shift() ?? hanging, { late: 'too late' });

    await expect(get(fixed(1))).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE', message: 'too late' });

    await expect(get()).resolves.toBe(2);
  });

  it('is shared no more when it is old, also where nobody gives it up', async () => {
    const clock = { nowMs: 0 };
    const works = [hanging, Promise.resolve(2)];
    const get = once(() => works.shift() ?? hanging, { pendingMs: 1_000, nowMs: () => clock.nowMs });
    void get();

    clock.nowMs = 1_001;

    await expect(get()).resolves.toBe(2);
  });

  it('does not replace a newer value when it ends at last', async () => {
    const late = Promise.withResolvers<number>();
    const works = [late.promise, Promise.resolve(2)];
    const get = once(() => works.shift() ?? hanging);
    await expect(get(fixed(1))).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    await expect(get()).resolves.toBe(2);

    late.reject(new Error('failed at last'));

    await expect(get()).resolves.toBe(2);
  });
});

it('Callers that joined work which failed start anew, together', async () => {
  const first = Promise.withResolvers<number>();
  let created = 0;
  const get = once(() => {
    created += 1;
    return created === 1 ? first.promise : Promise.resolve(created);
  });
  const starter = get();
  const joined = [get(), get()];

  first.reject(new Error('failed'));

  await expect(starter).rejects.toThrow('failed');
  await expect(Promise.all(joined)).resolves.toEqual([2, 2]);
});
