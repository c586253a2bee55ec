import { type Deadline, NEVER, within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { createQueue } from '../core/queue.ts';

/** A value and the bytes that it takes. */
export interface Sized<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/**
 * Makes a value and returns it with the bytes that it really takes. Before it takes them, it calls `reserve` with the bytes that it
 * expects to take, and waits until there is room.
 */
export type Create<Value> = (reserve: (bytes: number) => Promise<void>) => Promise<Sized<Value>>;

/** A value that stays until `release`, which has to be called once. */
export interface Lease<Value> {
  readonly value: Value;
  release(): void;
}

/** Values by key that share a budget of bytes: each is made once, kept while there is room, and never evicted while it is in use. */
export interface LeaseCache<Value> {
  /**
   * Leases the value. Callers that come together share one `create`. A failure is not kept: who joined a creation that
   * failed for a passing reason starts another. The holder of a lease must not ask for
   * another key of the same cache: two such holders could wait for each other's room for ever.
   * @throws errors of `create`; `MODEL_UNAVAILABLE` when there is no value by `deadline`, although its creation goes on
   */
  acquire(key: string, create: Create<Value>, deadline?: Deadline): Promise<Lease<Value>>;
  /** Runs `work` with a lease of the value. @throws errors of `acquire` and `work` */
  use<Result>(
    key: string,
    create: Create<Value>,
    work: (value: Value) => Promise<Result>,
    deadline?: Deadline,
  ): Promise<Result>;
  /** Evicts the value once nobody uses it. @throws `MODEL_UNAVAILABLE` when it is still in use at the deadline */
  drop(key: string, deadline: Deadline): Promise<void>;
  /** Bytes of the budget that no value takes. */
  freeBytes(): number;
}

export interface LeaseCacheOptions<Value> {
  readonly budgetBytes: number;
  /** Gives back the room of a value that was evicted; must not reject. */
  readonly evict: (key: string, sized: Sized<Value>) => Promise<void>;
  /** Values that exist already, least recently used first. */
  readonly initial?: Iterable<readonly [string, Sized<Value>]>;
}

interface Entry<Value> {
  /** 0 until the entry has reserved room. */
  bytes: number;
  /** The number of callers that use the value; its creation counts as one until it ends. */
  leases: number;
  readonly value: Promise<Value>;
  /** True once the value is there. */
  isReady: boolean;
}

/** Entries by key, in the order of their last use. */
type Entries<Value> = Map<string, Entry<Value>>;

const LOADING = 'the model is still being loaded; try again in a few seconds';

const IN_USE = 'the model is still in use; try again in a few seconds';

const isIdle = ({ leases }: Entry<unknown>): boolean => leases === 0;

const sumBytes = (entries: Iterable<Entry<unknown>>): number =>
  [...entries].reduce((total, { bytes }) => total + bytes, 0);

/** Gives entries their room within the budget, and evicts idle ones, least recently used first, for it. */
const createBudget = <Value>(entries: Entries<Value>, { budgetBytes, evict }: LeaseCacheOptions<Value>) => {
  const oneAtATime = createQueue();
  let leaseEnd = Promise.withResolvers<void>();

  const fits = (bytes: number): boolean => bytes + sumBytes(entries.values()) <= budgetBytes;
  const fitsWithoutIdle = (bytes: number): boolean =>
    bytes + sumBytes([...entries.values()].filter((entry) => !isIdle(entry))) <= budgetBytes;

  const evictEntry = async (key: string, entry: Entry<Value>): Promise<void> => {
    entries.delete(key);
    await evict(key, { value: await entry.value, bytes: entry.bytes });
  };

  const evictUntilFits = async (bytes: number): Promise<void> => {
    while (!fits(bytes)) {
      const idle = [...entries].find(([, entry]) => isIdle(entry));
      if (idle === undefined) return;
      await evictEntry(...idle);
    }
  };

  return {
    /** Waits until there is room. Calls wait for each other, so that two callers never take the same room. */
    reserve: (entry: Entry<Value>, bytes: number): Promise<void> =>
      oneAtATime(async () => {
        const wanted = Math.min(bytes, budgetBytes);
        while (!fits(wanted)) {
          if (fitsWithoutIdle(wanted)) await evictUntilFits(wanted);
          else await leaseEnd.promise;
        }
        entry.bytes = wanted;
      }),

    dropIdle: async (key: string, deadline: Deadline): Promise<void> => {
      for (;;) {
        const { promise: ended } = leaseEnd;
        const isGone = await within(
          deadline,
          oneAtATime(async () => {
            const entry = entries.get(key);
            if (entry && isIdle(entry)) await evictEntry(key, entry);
            return entry === undefined || isIdle(entry);
          }),
          IN_USE,
        );
        if (isGone) return;
        await within(deadline, ended, IN_USE);
      }
    },

    endLease: (entry: Entry<Value>): void => {
      entry.leases -= 1;
      leaseEnd.resolve();
      leaseEnd = Promise.withResolvers();
      // A value that is larger than expected may have to give way to make up for it.
      if (!fits(0)) void oneAtATime(() => evictUntilFits(0));
    },
  };
};

export const createLeaseCache = <Value>(options: LeaseCacheOptions<Value>): LeaseCache<Value> => {
  const entries: Entries<Value> = new Map();
  for (const [key, { value, bytes }] of options.initial ?? [])
    entries.set(key, { bytes, leases: 0, value: Promise.resolve(value), isReady: true });
  const { reserve, endLease, dropIdle } = createBudget(entries, options);

  const add = (key: string, create: Create<Value>): Entry<Value> => {
    const make = async (): Promise<Value> => {
      try {
        const { value, bytes } = await create((expected) => reserve(entry, expected));
        entry.bytes = bytes;
        entry.isReady = true;
        return value;
      } catch (error) {
        entries.delete(key);
        throw error;
      } finally {
        endLease(entry);
      }
    };
    const entry: Entry<Value> = { bytes: 0, leases: 1, value: Promise.resolve().then(make), isReady: false };
    return entry;
  };

  const acquire: LeaseCache<Value>['acquire'] = async (key, create, deadline = NEVER) => {
    const joined = entries.get(key);
    const entry = joined ?? add(key, create);
    entries.delete(key);
    entries.set(key, entry);
    entry.leases += 1;
    try {
      const value = await (entry.isReady ? entry.value : within(deadline, entry.value, LOADING));
      return { value, release: () => endLease(entry) };
    } catch (error) {
      endLease(entry);
      const isPassing = ServingError.from(error).code === 'MODEL_UNAVAILABLE';
      if (joined === undefined || !isPassing || deadline.remainingMs() <= 0) throw error;
      return acquire(key, create, deadline); // the failure was of a creation that began before this call
    }
  };

  return {
    acquire,
    freeBytes: () => Math.max(0, options.budgetBytes - sumBytes(entries.values())),
    async use(key, create, work, deadline) {
      const { value, release } = await acquire(key, create, deadline);
      try {
        return await work(value);
      } finally {
        release();
      }
    },
    drop: dropIdle,
  };
};
