import { type Deadline, deadlineAt, earliest, within } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { Routing } from '../repository/routing/routing.ts';
import type { Background } from './background.ts';

export interface RoutingCacheOptions {
  /** Age at which a routing is asked for again. */
  readonly ttlMs: number;
  /** Most time that an answer waits for a revalidation. Default 200 ms. */
  readonly revalidationMs?: number | undefined;
  /** The part of the new routing that can answer: the whole, without its canary, or `active` when nothing of it can. */
  readonly accept: (name: string, next: Routing, active: Routing) => Promise<Routing>;
  readonly background: Background;
  readonly nowMs: () => number;
}

/** Routings by model. They are stale while they are revalidated, so that no request waits for one. */
export interface RoutingCache {
  /** The routing to answer with. @throws `NOT_FOUND`, `MODEL_UNAVAILABLE` at the first read */
  active(name: string, deadline: Deadline): Promise<Routing>;
  /** The routing as it is now, for a caller that asks for something that the known one lacks. @throws `MODEL_UNAVAILABLE` when S3 does not say */
  refreshed(name: string, deadline: Deadline): Promise<Routing>;
  /** The routing that is known; undefined before the first request for the model. */
  known(name: string): Routing | undefined;
  /** Asks the store about a routing that came with the function; undefined for one that the store was asked about. It never rejects. */
  confirm(name: string): (() => Promise<void>) | undefined;
  /** Drops the routing: the next request reads it again. */
  forget(name: string): void;
}

/** A revalidation under way; it resolves to true when S3 has answered, and never rejects. */
interface Refresh {
  readonly startedMs: number;
  readonly ended: Promise<boolean>;
}

interface State {
  /** Every version of it but those of the first read was loaded before. */
  active: Routing;
  /** ETag of the routing that was read last. */
  etag: string;
  /** The time from which on it is asked for again. */
  staleAtMs: number;
  /** It came with the function, and the store was not asked about it. */
  isEmbedded: boolean;
  /** Revalidations in a row that S3 did not answer. */
  failures: number;
  refresh: Refresh | undefined;
}

/** A routing that has been stale for this many times its time to live is refreshed before it is used, if S3 answers at once. */
const STALE_TTLS = 1;
/** An answer waits no longer for a revalidation. */
export const REVALIDATION_MS = 200;
/** A read that takes longer is given up: the routing in memory goes on answering. */
const REFRESH_READ_MS = 4_000;
/** Age at which a read that is under way is shared no more. */
const PENDING_MS = 10_000;
/** Wait after the first revalidation that S3 did not answer; it doubles up to the time to live. */
const FIRST_RETRY_MS = 1_000;

const LATE = 'the model is still being looked up; try again';

/** Reads each routing for the first time; callers that come together share the read. */
const createFirstRead = (repository: ModelRepository, { nowMs, ttlMs }: RoutingCacheOptions) => {
  const states = new Map<string, State>();
  const reads = new Map<string, (deadline: Deadline) => Promise<State>>();
  const read = async (name: string): Promise<State> => {
    const { routing, etag, isEmbedded = false } = await repository.routing(name);
    const state = { active: routing, etag, isEmbedded, staleAtMs: nowMs() + ttlMs, failures: 0, refresh: undefined };
    states.set(name, state);
    return state;
  };
  return {
    states,
    async firstRead(name: string, deadline: Deadline): Promise<State> {
      const reading = reads.get(name) ?? once(() => read(name), { pendingMs: PENDING_MS, late: LATE });
      reads.set(name, reading);
      try {
        return await reading(deadline);
      } finally {
        if (reads.get(name) === reading) reads.delete(name);
      }
    },
  };
};

/** Waits for a revalidation, `atMostMs` or until the deadline. Returns true when S3 has answered by then. */
const inAMoment = (revalidation: Promise<boolean>, atMostMs: number, deadline: Deadline): Promise<boolean> =>
  within(earliest(deadlineAt(Date.now() + atMostMs), deadline), revalidation, LATE).catch(() => false);

const readChanged = (repository: ModelRepository, name: string, { etag }: State) =>
  within(deadlineAt(Date.now() + REFRESH_READ_MS), repository.changedRouting(name, etag), LATE);

/** Asks for the routings of `states` again, behind the answers. */
const createRevalidate = (
  repository: ModelRepository,
  options: RoutingCacheOptions,
  states: Map<string, State>,
): ((name: string, state: State) => Promise<boolean>) => {
  const { ttlMs, accept, background, nowMs } = options;

  /** Returns true when S3 has answered. A newer revalidation is not overtaken. */
  const refresh = async (name: string, state: State, isNewest: () => boolean): Promise<boolean> => {
    let answered = true;
    try {
      const read = await readChanged(repository, name, state);
      const active = read && (await accept(name, read.routing, state.active));
      if (active && isNewest()) Object.assign(state, { active, etag: read.etag });
    } catch (error) {
      if (ServingError.from(error).code === 'NOT_FOUND') states.delete(name);
      else answered = false; // the store is away: the routing in memory goes on answering
    }
    if (!isNewest()) return answered;
    state.failures = answered ? 0 : state.failures + 1;
    state.staleAtMs = nowMs() + (answered ? ttlMs : Math.min(ttlMs, FIRST_RETRY_MS * 2 ** (state.failures - 1)));
    state.refresh = undefined;
    return answered;
  };

  /** The revalidation under way, or a new one; one that hangs is replaced. */
  return (name, state) => {
    const { refresh: underWay } = state;
    if (underWay && nowMs() - underWay.startedMs < PENDING_MS) return underWay.ended;
    const started: Refresh = {
      startedMs: nowMs(),
      ended: Promise.resolve().then(() => refresh(name, state, () => state.refresh === started)),
    };
    state.refresh = started;
    state.isEmbedded = false;
    background.hold(started.ended);
    return started.ended;
  };
};

export const createRoutingCache = (repository: ModelRepository, options: RoutingCacheOptions): RoutingCache => {
  const { ttlMs, nowMs, revalidationMs = REVALIDATION_MS } = options;
  const { states, firstRead } = createFirstRead(repository, options);
  const revalidate = createRevalidate(repository, options, states);

  return {
    async active(name, deadline) {
      const state = states.get(name);
      if (state === undefined) return (await firstRead(name, deadline)).active;
      const staleMs = nowMs() - state.staleAtMs;
      if (staleMs < 0) return state.active;
      const mayWait = !state.isEmbedded && staleMs >= STALE_TTLS * ttlMs;
      const revalidation = revalidate(name, state);
      if (mayWait) await inAMoment(revalidation, revalidationMs, deadline);
      return state.active;
    },

    async refreshed(name, deadline) {
      const state = states.get(name);
      if (state === undefined) return (await firstRead(name, deadline)).active;
      if (await inAMoment(revalidate(name, state), revalidationMs, deadline)) return state.active;
      throw new ServingError('MODEL_UNAVAILABLE', `the routing of model ${name} could not be read; try again`);
    },

    known: (name) => states.get(name)?.active,

    confirm: (name) => {
      const state = states.get(name);
      return state?.isEmbedded ? async () => void (await revalidate(name, state)) : undefined;
    },

    forget: (name) => {
      states.delete(name);
    },
  };
};
