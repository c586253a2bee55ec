import { hash } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import { type Routing, targetsOf } from '../repository/routing/routing.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Background } from './background.ts';

/** A model as a caller names it; without a version or an alias the routing chooses. */
export interface ModelReference {
  readonly name: string;
  readonly version?: number;
  readonly alias?: string;
}

export interface Router {
  /**
   * The version that answers. A canary takes its share by `key`: equal keys get the same version as long as the weight stands,
   * and without one the stable version answers.
   * @throws `NOT_FOUND` with the push command or what is missing; `MODEL_UNAVAILABLE`, `MODEL_INVALID`
   */
  route(reference: ModelReference, key?: string): Promise<PublishedBundle>;
  /** Has the bundle read again: what it says turned out to be wrong, and may have been mended. */
  forget(bundle: PublishedBundle): void;
  /** Reads the version to compare with the one that answered, for its share of keys; none beside an explicit version or alias. */
  shadow(reference: ModelReference, key?: string): (() => Promise<PublishedBundle>) | undefined;
}

export interface RouterOptions {
  /** How long a routing is used before it is asked for again. */
  readonly ttlMs: number;
  /** Loads a version and tries its warm-up, so that the first request for it waits for nothing. */
  readonly prepare: (bundle: PublishedBundle) => Promise<unknown>;
  readonly background: Background;
  /** Told of a version that was routed to and failed to load: the one before it goes on answering. */
  readonly onRefused: (name: string, version: number, error: ServingError) => void;
  readonly nowMs?: () => number;
}

interface State {
  /** Answers; every version of it but the first was prepared before. */
  active: Routing;
  /** Of the routing that was read last. */
  etag: string;
  readAtMs: number;
  refresh: Promise<void> | undefined;
}

/** A routing this many times its time to live old is refreshed before it is used, not after. */
const STALE_TTLS = 2;

/** Where `key` lies on the line from 0 to 1, the same for every process. */
const positionOf = (purpose: string, name: string, key: string): number =>
  Number.parseInt(hash('sha256', `${purpose}:${name}:${key}`).slice(0, 8), 16) / 2 ** 32;

const isUnavailable = (error: unknown): boolean => ServingError.from(error).code === 'MODEL_UNAVAILABLE';

const aliasedVersion = ({ aliases }: Routing, alias: string): number | undefined =>
  Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;

/** Chooses versions, and remembers: routings for their time to live, bundles (which never change) for good. */
export const createRouter = (repository: ModelRepository, options: RouterOptions): Router => {
  const { ttlMs, prepare, background, onRefused, nowMs = Date.now } = options;
  const states = new Map<string, State>();
  const firstReads = new Map<string, Promise<State>>();
  const bundles = new Map<string, () => Promise<PublishedBundle>>();

  const bundle = (name: string, version: number): Promise<PublishedBundle> => {
    const key = `${name}/${version}`;
    let read = bundles.get(key);
    if (read === undefined) {
      read = once(() => repository.bundle(name, version));
      bundles.set(key, read);
    }
    return read().catch((error: unknown) => {
      bundles.delete(key);
      throw error;
    });
  };

  /** Whether `version` may answer; a version that cannot be loaded is refused. A store that does not answer proves nothing. */
  const isAccepted = async (name: string, version: number, active: Routing): Promise<boolean> => {
    if (version === active.stable || version === active.canary?.version) return true;
    try {
      await prepare(await bundle(name, version));
      return true;
    } catch (error) {
      if (isUnavailable(error)) throw error;
      onRefused(name, version, ServingError.from(error));
      return false;
    }
  };

  /** What of `next` can answer: without a canary that was refused, and not at all when its stable version was. */
  const accept = async (name: string, next: Routing, active: Routing): Promise<Routing> => {
    if (!(await isAccepted(name, next.stable, active))) return active;
    const { canary, ...others } = next;
    return canary && !(await isAccepted(name, canary.version, active)) ? others : next;
  };

  const refresh = async (name: string, state: State): Promise<void> => {
    try {
      const read = await repository.changedRouting(name, state.etag);
      if (read !== undefined) {
        state.active = await accept(name, read.routing, state.active);
        state.etag = read.etag;
      }
    } catch (error) {
      if (ServingError.from(error).code === 'NOT_FOUND') states.delete(name);
      // Otherwise the store is away, which is no reason to stop answering with what is in memory.
    } finally {
      state.readAtMs = nowMs();
      state.refresh = undefined;
    }
  };

  const firstRead = (name: string): Promise<State> => {
    let reading = firstReads.get(name);
    if (reading === undefined) {
      reading = repository
        .routing(name)
        .then(({ routing, etag }) => {
          const state = { active: routing, etag, readAtMs: nowMs(), refresh: undefined };
          states.set(name, state);
          return state;
        })
        .finally(() => firstReads.delete(name));
      firstReads.set(name, reading);
    }
    return reading;
  };

  /** The routing to answer with: stale while it is revalidated, unless nobody has asked for long. */
  const activeRouting = async (name: string): Promise<Routing> => {
    const state = states.get(name);
    if (state === undefined) return (await firstRead(name)).active;
    const ageMs = nowMs() - state.readAtMs;
    if (ageMs >= ttlMs) {
      state.refresh ??= refresh(name, state);
      if (ageMs >= STALE_TTLS * ttlMs) await state.refresh;
      else background.hold(state.refresh);
    }
    return state.active;
  };

  /** For what `known` lacks: it may be older than what is asked for. */
  const refreshedRouting = async (name: string, known: Routing): Promise<Routing> => {
    const state = states.get(name);
    if (state === undefined) return known;
    state.refresh ??= refresh(name, state);
    await state.refresh;
    return state.active;
  };

  const choose = (name: string, { stable, canary }: Routing, key: string | undefined): number =>
    canary && key !== undefined && positionOf('canary', name, key) < canary.weight ? canary.version : stable;

  const routedBundle = async (name: string, version: number): Promise<PublishedBundle> => {
    try {
      return await bundle(name, version);
    } catch (error) {
      if (ServingError.from(error).code !== 'NOT_FOUND') throw error;
      // The routing is older than the deletion: the next request reads it again.
      states.delete(name);
      const problem = `version ${version} of model ${name} is routed to but missing`;
      throw new ServingError('MODEL_UNAVAILABLE', problem, { cause: error });
    }
  };

  return {
    async route({ name, version, alias }, key) {
      if (version !== undefined) return bundle(name, version);
      const routing = await activeRouting(name);
      if (alias === undefined) return routedBundle(name, choose(name, routing, key));
      const aliased = aliasedVersion(routing, alias) ?? aliasedVersion(await refreshedRouting(name, routing), alias);
      if (aliased !== undefined) return routedBundle(name, aliased);
      const known = Object.keys(targetsOf(routing).aliases).join(', ') || 'none';
      throw new ServingError('NOT_FOUND', `model ${name} has no alias ${alias}, it has ${known}`);
    },

    forget: ({ name, version }) => {
      bundles.delete(`${name}/${version}`);
    },

    shadow({ name, version, alias }, key) {
      const shadow = states.get(name)?.active.shadow;
      if (shadow === undefined || version !== undefined || alias !== undefined || key === undefined) return undefined;
      return positionOf('shadow', name, key) < shadow.rate ? () => bundle(name, shadow.version) : undefined;
    },
  };
};
