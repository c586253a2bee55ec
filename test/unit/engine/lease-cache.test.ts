import { beforeEach, describe, expect, it } from '@jest/globals';
import { deadlineAt, NEVER } from '../../../src/core/deadline.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { createLeaseCache, type LeaseCache } from '../../../src/engine/lease-cache.ts';

const BUDGET = 100;

let cache: LeaseCache<string>;
let created: string[];
let evicted: string[];
/** Bytes of what was created and not evicted. */
let heldBytes: number;
let mostBytes: number;

beforeEach(() => {
  created = [];
  evicted = [];
  heldBytes = 0;
  mostBytes = 0;
  cache = createLeaseCache({
    budgetBytes: BUDGET,
    evict: async (key, { value, bytes }) => {
      await Promise.resolve();
      expect(value).toBe(`value of ${key}`);
      evicted.push(key);
      heldBytes -= bytes;
    },
  });
});

interface Sizes {
  readonly expected?: number;
  readonly taken?: number;
}

/** Uses `key`, which takes 40 unless `sizes` says otherwise. */
const use = <Result>(
  key: string,
  work: (value: string) => Promise<Result>,
  { taken = 40, expected = taken }: Sizes = {},
) =>
  cache.use(
    key,
    async (reserve) => {
      await reserve(expected);
      created.push(key);
      heldBytes += taken;
      mostBytes = Math.max(mostBytes, heldBytes);
      return { value: `value of ${key}`, bytes: taken };
    },
    work,
  );
const touch = (key: string, sizes?: Sizes) => use(key, async (value) => value, sizes);

/** Uses `key` until `end` is called. */
const hold = (key: string) => {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  const done = use(key, () => promise);
  return { done, end };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('values that share a budget', () => {
  it('are made once and stay while there is room', async () => {
    expect(await Promise.all([touch('a'), touch('a'), touch('b')])).toEqual(['value of a', 'value of a', 'value of b']);
    await touch('a');

    expect(created).toEqual(['a', 'b']);
    expect(evicted).toEqual([]);
  });

  it('make room, those first that were used least recently', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'd']) await touch(key);

    expect(evicted).toEqual(['b', 'a']);
    await touch('c');
    expect(created).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are never evicted in use, and the next one waits for the end of a use', async () => {
    const [a, b] = [hold('a'), hold('b')];
    const c = touch('c');
    await turn();
    expect([created, evicted]).toEqual([['a', 'b'], []]);

    b.end();

    expect(await c).toBe('value of c');
    expect(evicted).toEqual(['b']);
    a.end();
    await a.done;
  });

  it('stay within the budget when many are asked for at once', async () => {
    const keys = Array.from({ length: 200 }, (_, index) => `k${(index * 7) % 13}`);

    await Promise.all(keys.map((key) => use(key, turn)));

    expect(mostBytes).toBeLessThanOrEqual(BUDGET);
  });

  it('make up for one that took more than expected', async () => {
    await touch('a');
    await touch('b', { expected: 10, taken: 90 });
    await turn();

    expect(evicted).toEqual(['a']);
  });

  it('can each expect more than the budget: others leave, and what it really took counts', async () => {
    await touch('a');
    await touch('b', { expected: 1000, taken: 30 });
    await touch('c', { taken: 70 });

    expect(evicted).toEqual(['a']);
  });

  it('count for nothing when making them fails', async () => {
    const fails = (key: string) =>
      cache.use(
        key,
        async (reserve) => {
          await reserve(90);
          throw new Error(`no ${key}`);
        },
        async () => 'unreachable',
      );
    await touch('a', { taken: 10 });

    const outcomes = await Promise.allSettled([fails('x'), fails('x'), fails('y')]);

    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual([
      ...['no x', 'no x', 'no y'],
    ]);
    await touch('b', { taken: 90 });
    expect(evicted).toEqual([]);
    expect(await touch('x', { taken: 1 })).toBe('value of x');
  });

  it('are let go of by a use that fails', async () => {
    await expect(use('a', async () => Promise.reject(new Error('in the run')))).rejects.toThrow('in the run');
    await touch('b', { taken: 100 });

    expect(evicted).toEqual(['a']);
  });

  it('go on being made when a caller has waited long enough', async () => {
    const held = hold('a');
    const create = async (reserve: (bytes: number) => Promise<void>) => {
      await reserve(100);
      created.push('b');
      return { value: 'value of b', bytes: 100 };
    };
    const late = cache.use('b', create, async () => 'unreachable', deadlineAt(Date.now() - 1));

    await expect(late).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    held.end();
    await held.done;
    expect(await touch('b')).toBe('value of b');
    expect(created).toEqual(['a', 'b']);
  });

  it('that were there before count, and go first', async () => {
    const found = createLeaseCache<string>({
      budgetBytes: BUDGET,
      evict: async (key) => {
        evicted.push(key);
      },
      initial: ['x', 'y'].map((key) => [key, { value: `value of ${key}`, bytes: 45 }]),
    });
    const create = async (reserve: (bytes: number) => Promise<void>) => {
      await reserve(40);
      return { value: 'value of z', bytes: 40 };
    };

    expect(await found.use('x', create, async (value) => value)).toBe('value of x');
    expect(await found.use('z', create, async (value) => value)).toBe('value of z');
    expect(evicted).toEqual(['y']);
  });
});

it('A caller that joined a creation which failed for a passing reason starts another', async () => {
  const first = Promise.withResolvers<never>();
  const starter = cache.use(
    'a',
    () => first.promise,
    async (value) => value,
  );
  const joined = touch('a');
  const failure = new ServingError('MODEL_UNAVAILABLE', 'the storage was away');

  first.reject(failure);

  await expect(starter).rejects.toBe(failure);
  await expect(joined).resolves.toBe('value of a');
});

describe('drop', () => {
  it('evicts a value once nobody uses it, and knows nothing of others', async () => {
    await cache.drop('unknown', NEVER);
    const held = hold('a');
    const dropped = cache.drop('a', NEVER);
    await touch('b');
    expect(evicted).toEqual([]);
    held.end();
    await dropped;
    expect(evicted).toEqual(['a']);
    await touch('a');
    expect(created).toEqual(['a', 'b', 'a']);
  });

  it('leaves a value that is in use at the deadline', async () => {
    const held = hold('a');
    await expect(cache.drop('a', deadlineAt(Date.now()))).rejects.toThrow('still in use');
    held.end();
    await held.done;
    expect(evicted).toEqual([]);
  });
});
