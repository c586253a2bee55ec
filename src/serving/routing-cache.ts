import { ServingError } from '../core/errors.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { Routing } from '../repository/routing/routing.ts';
import type { Background } from './background.ts';

export interface RoutingCacheOptions {
  /** Age at which a routing is asked for again. */
  readonly ttlMs: number;
  /** The part of the new routing that can answer: the whole, without its canary, or `active` when nothing of it can. */
  readonly accept: (name: string, next: Routing, active: Routing) => Promise<Routing>;
  readonly background: Background;
  readonly nowMs: () => number;
}

/** Routings by model. They are stale while they are revalidated, so that no request waits for one. */
export interface RoutingCache {
  /** The routing to answer with. @throws `NOT_FOUND`, `MODEL_UNAVAILABLE` at the first read */
  active(name: string): Promise<Routing>;
  /** The routing as it is now: for a caller that asks for something that the known one lacks. */
  refreshed(name: string): Promise<Routing>;
  /** The routing that is known; undefined before the first request for the model. */
  known(name: string): Routing | undefined;
  /** Drops the routing: the next request reads it again. */
  forget(name: string): void;
}

interface State {
  /** Every version of it but those of the first read was loaded before. */
  active: Routing;
  /** ETag of the routing that was read last. */
  etag: string;
  readAtMs: number;
  refresh: Promise<void> | undefined;
}

/** A routing this many times its time to live old is refreshed before it is used, not after. */
const STALE_TTLS = 2;

/** Reads each routing for the first time; callers that come together share the read. */
const createFirstRead = (repository: ModelRepository, nowMs: () => number) => {
  const states = new Map<string, State>();
  const reads = new Map<string, Promise<State>>();
  const read = async (name: string): Promise<State> => {
    const { routing, etag } = await repository.routing(name);
    const state = { active: routing, etag, readAtMs: nowMs(), refresh: undefined };
    states.set(name, state);
    return state;
  };
  return {
    states,
    firstRead(name: string): Promise<State> {
      const reading = reads.get(name) ?? read(name).finally(() => reads.delete(name));
      reads.set(name, reading);
      return reading;
    },
  };
};

export const createRoutingCache = (repository: ModelRepository, options: RoutingCacheOptions): RoutingCache => {
  const { ttlMs, accept, background, nowMs } = options;
  const { states, firstRead } = createFirstRead(repository, nowMs);

  const refresh = async (name: string, state: State): Promise<void> => {
    try {
      const read = await repository.changedRouting(name, state.etag);
      if (read !== undefined) {
        state.active = await accept(name, read.routing, state.active);
        state.etag = read.etag;
      }
    } catch (error) {
      if (ServingError.from(error).code === 'NOT_FOUND') states.delete(name);
      // Otherwise the store is away: the routing in memory goes on answering.
    } finally {
      state.readAtMs = nowMs();
      state.refresh = undefined;
    }
  };

  return {
    async active(name) {
      const state = states.get(name);
      if (state === undefined) return (await firstRead(name)).active;
      const ageMs = nowMs() - state.readAtMs;
      if (ageMs < ttlMs) return state.active;
      state.refresh ??= refresh(name, state);
      if (ageMs >= STALE_TTLS * ttlMs) await state.refresh;
      else background.hold(state.refresh);
      return state.active;
    },

    async refreshed(name) {
      const state = states.get(name);
      if (state === undefined) return (await firstRead(name)).active;
      state.refresh ??= refresh(name, state);
      await state.refresh;
      return state.active;
    },

    known: (name) => states.get(name)?.active,

    forget: (name) => {
      states.delete(name);
    },
  };
};
