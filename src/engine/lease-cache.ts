import { type Deadline, NEVER, within } from '../core/deadline.ts';
import { createQueue } from '../core/queue.ts';

/** A value and the room that it takes. */
export interface Sized<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/**
 * Makes a value. It calls `reserve` with the bytes it expects to take before it takes them; that waits until there is room.
 * What it really took is what it returns.
 */
export type Create<Value> = (reserve: (bytes: number) => Promise<void>) => Promise<Sized<Value>>;

/** A value that stays until `release`, which has to be called once. */
export interface Lease<Value> {
  readonly value: Value;
  release(): void;
}

/** Values by key that share a budget of bytes: made once, kept while there is room, and never let go of while in use. */
export interface LeaseCache<Value> {
  /**
   * Leases the value. Callers that come together share one `create`, and a failure is not kept. The holder of a lease must not ask for
   * another key of the same cache: two such holders could wait for each other's room for ever.
   * @throws errors of `create`; `MODEL_UNAVAILABLE` when there is no value by `deadline`, although it goes on being made
   */
  acquire(key: string, create: Create<Value>, deadline?: Deadline): Promise<Lease<Value>>;
  /** Runs `work` with a lease of the value. @throws as `acquire`; errors of `work` */
  use<Result>(
    key: string,
    create: Create<Value>,
    work: (value: Value) => Promise<Result>,
    deadline?: Deadline,
  ): Promise<Result>;
}

export interface LeaseCacheOptions<Value> {
  readonly budgetBytes: number;
  /** Gives back the room of a value that was evicted; must not reject. */
  readonly evict: (key: string, sized: Sized<Value>) => Promise<void>;
  /** What is there already, least recently used first. */
  readonly initial?: Iterable<readonly [string, Sized<Value>]>;
}

interface Entry<Value> {
  /** 0 until it has reserved room. */
  bytes: number;
  /** Callers that use the value, and its creation for as long as that goes on. */
  leases: number;
  readonly value: Promise<Value>;
}

const LOADING = 'the model is still being loaded; try again in a few seconds';

export const createLeaseCache = <Value>(options: LeaseCacheOptions<Value>): LeaseCache<Value> => {
  const { budgetBytes, evict, initial = [] } = options;
  /** In the order of their last use. */
  const entries = new Map<string, Entry<Value>>();
  for (const [key, { value, bytes }] of initial) entries.set(key, { bytes, leases: 0, value: Promise.resolve(value) });
  const oneAtATime = createQueue();
  let leaseEnd = Promise.withResolvers<void>();

  const sum = (bytes: number, counted: Iterable<Entry<Value>>): number =>
    [...counted].reduce((total, entry) => total + entry.bytes, bytes);
  const fits = (bytes: number): boolean => sum(bytes, entries.values()) <= budgetBytes;
  const isIdle = ({ leases }: Entry<Value>): boolean => leases === 0;
  const couldFit = (bytes: number): boolean =>
    sum(
      bytes,
      [...entries.values()].filter((entry) => !isIdle(entry)),
    ) <= budgetBytes;

  const evictUntilFits = async (bytes: number): Promise<void> => {
    while (!fits(bytes)) {
      const idle = [...entries].find(([, entry]) => isIdle(entry));
      if (idle === undefined) return;
      const [key, entry] = idle;
      entries.delete(key);
      await evict(key, { value: await entry.value, bytes: entry.bytes });
    }
  };

  /** One after the other, so that two callers never take the same room. */
  const reserve = (entry: Entry<Value>, bytes: number): Promise<void> =>
    oneAtATime(async () => {
      const wanted = Math.min(bytes, budgetBytes);
      while (!fits(wanted)) {
        if (couldFit(wanted)) await evictUntilFits(wanted);
        else await leaseEnd.promise;
      }
      entry.bytes = wanted;
    });

  const endLease = (entry: Entry<Value>): void => {
    entry.leases -= 1;
    leaseEnd.resolve();
    leaseEnd = Promise.withResolvers();
    // A value that turned out larger than expected may have to make up for it.
    if (!fits(0)) void oneAtATime(() => evictUntilFits(0));
  };

  const add = (key: string, create: Create<Value>): Entry<Value> => {
    const made = async (): Promise<Value> => {
      try {
        const { value, bytes } = await create((expected) => reserve(entry, expected));
        entry.bytes = bytes;
        return value;
      } catch (error) {
        entries.delete(key);
        throw error;
      } finally {
        endLease(entry);
      }
    };
    const entry: Entry<Value> = { bytes: 0, leases: 1, value: Promise.resolve().then(made) };
    return entry;
  };

  const acquire: LeaseCache<Value>['acquire'] = async (key, create, deadline = NEVER) => {
    const entry = entries.get(key) ?? add(key, create);
    entries.delete(key);
    entries.set(key, entry);
    entry.leases += 1;
    try {
      return { value: await within(deadline, entry.value, LOADING), release: () => endLease(entry) };
    } catch (error) {
      endLease(entry);
      throw error;
    }
  };

  return {
    acquire,
    async use(key, create, work, deadline) {
      const { value, release } = await acquire(key, create, deadline);
      try {
        return await work(value);
      } finally {
        release();
      }
    },
  };
};
