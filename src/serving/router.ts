import { hash } from 'node:crypto';
import { type Deadline, NEVER } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import { shorten } from '../core/show.ts';
import type { Arm } from '../monitoring/rollouts/step-counts.ts';
import { stepPrefix } from '../repository/keys.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import { type Routing, targetsOf } from '../repository/routing/routing.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { createRoutingCache, type RoutingCache, type RoutingCacheOptions } from './routing-cache.ts';

/** A model as a caller names it. Without a version or an alias, the routing chooses. */
export interface ModelReference {
  readonly name: string;
  readonly version?: number;
  readonly alias?: string;
}

export interface Router {
  /** The routing that this process knows; undefined before the first request for the model. */
  readonly known: RoutingCache['known'];
  /**
   * The version that answers. A canary takes its share by `key`: equal keys get the same version while the weight stands. Without a key,
   * the stable version answers.
   * @throws `NOT_FOUND` naming the model, version or alias that is missing; `MODEL_UNAVAILABLE`, also at the deadline; `MODEL_INVALID`
   */
  route(reference: ModelReference, key?: string, deadline?: Deadline): Promise<PublishedBundle>;
  /** Drops the bundle: the next request reads it again. A push may have mended it. */
  forget(bundle: PublishedBundle): void;
  /** The automatic canary that `version` answers for, as one of its arms; undefined for a request that does not take part in one. */
  canaryStep(reference: ModelReference, key: string | undefined, version: number): CanaryStep | undefined;
  /** Reads the shadow version, for its share of keys; undefined for a request that names a version or an alias. */
  shadow(reference: ModelReference, key?: string): (() => Promise<PublishedBundle>) | undefined;
  /** Asks the store about a routing that came with the function; undefined when it was asked already. */
  readonly confirm: RoutingCache['confirm'];
}

/** The part that a request has in a step of an automatic canary. */
export interface CanaryStep {
  /** The canary. */
  readonly version: number;
  /** The folder of its counts. */
  readonly prefix: string;
  readonly arm: Arm;
  /** Requests that take longer are slow; undefined until the monitor knows the usual time. */
  readonly slowMs?: number | undefined;
  /** Holders whose requests alone are counted. */
  readonly callers?: readonly string[] | undefined;
}

export interface RouterOptions extends Pick<RoutingCacheOptions, 'ttlMs' | 'revalidationMs' | 'background'> {
  /** Loads a version and tries its warm-up, so that the first request for it waits for nothing. */
  readonly prepare: (bundle: PublishedBundle) => Promise<unknown>;
  /** Called for a version that was routed to and failed to load. The version before it goes on answering. */
  readonly onRefused: (name: string, version: number, error: ServingError) => void;
  readonly nowMs?: () => number;
}

type ReadBundle = (name: string, version: number, deadline: Deadline) => Promise<PublishedBundle>;

/** Age at which a read that is under way is shared no more. */
const PENDING_MS = 10_000;
const LATE = 'the version is still being looked up; try again';

/** The position of `key` between 0 and 1, the same in every process. */
const positionOf = (purpose: string, name: string, key: string): number =>
  Number.parseInt(hash('sha256', `${purpose}:${name}:${key}`).slice(0, 8), 16) / 2 ** 32;

const aliasedVersion = ({ aliases }: Routing, alias: string): number | undefined =>
  Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;

/** Bundles by model and version. They never change, so that each is read once; a failure is not kept. */
const createBundleCache = (repository: ModelRepository) => {
  const reads = new Map<string, (deadline: Deadline) => Promise<PublishedBundle>>();
  const keyOf = (name: string, version: number): string => `${name}/${version}`;
  return {
    async read(name: string, version: number, deadline: Deadline): Promise<PublishedBundle> {
      const key = keyOf(name, version);
      const create = () => repository.bundle(name, version);
      const read = reads.get(key) ?? once(create, { pendingMs: PENDING_MS, late: LATE });
      reads.set(key, read);
      try {
        return await read(deadline);
      } catch (error) {
        if (reads.get(key) === read) reads.delete(key);
        throw error;
      }
    },
    forget: ({ name, version }: PublishedBundle): void => {
      reads.delete(keyOf(name, version));
    },
  };
};

/** Accepts the versions of a new routing that can be loaded. */
const createAccept = (readBundle: ReadBundle, { prepare, onRefused }: RouterOptions): RoutingCacheOptions['accept'] => {
  /** A store that does not answer proves nothing about a version. @throws `MODEL_UNAVAILABLE` */
  const isAccepted = async (name: string, version: number, active: Routing): Promise<boolean> => {
    if (version === active.stable || version === active.canary?.version) return true;
    try {
      await prepare(await readBundle(name, version, NEVER));
      return true;
    } catch (error) {
      if (ServingError.from(error).code === 'MODEL_UNAVAILABLE') throw error;
      onRefused(name, version, ServingError.from(error));
      return false;
    }
  };
  return async (name, next, active) => {
    if (!(await isAccepted(name, next.stable, active))) return active;
    const { canary, ...others } = next;
    return canary && !(await isAccepted(name, canary.version, active)) ? others : next;
  };
};

const chooseVersion = (name: string, { stable, canary }: Routing, key: string | undefined): number =>
  canary && key !== undefined && positionOf('canary', name, key) < canary.weight ? canary.version : stable;

/** Chooses versions. Routings are known for their time to live, bundles for good. */
export const createRouter = (repository: ModelRepository, options: RouterOptions): Router => {
  const { ttlMs, revalidationMs, background, nowMs = Date.now } = options;
  const bundles = createBundleCache(repository);
  const routings = createRoutingCache(repository, {
    ttlMs,
    revalidationMs,
    background,
    nowMs,
    accept: createAccept(bundles.read, options),
  });

  const routedBundle = async (name: string, version: number, deadline: Deadline): Promise<PublishedBundle> => {
    try {
      return await bundles.read(name, version, deadline);
    } catch (error) {
      if (ServingError.from(error).code !== 'NOT_FOUND') throw error;
      routings.forget(name); // it is older than the deletion
      const problem = `version ${version} of model ${name} is routed to but missing`;
      throw new ServingError('MODEL_UNAVAILABLE', problem, { cause: error });
    }
  };

  return {
    async route({ name, version, alias }, key, deadline = NEVER) {
      if (version !== undefined) return bundles.read(name, version, deadline);
      const routing = await routings.active(name, deadline);
      if (alias === undefined) return routedBundle(name, chooseVersion(name, routing, key), deadline);
      const aliased = aliasedVersion(routing, alias) ?? aliasedVersion(await routings.refreshed(name, deadline), alias);
      if (aliased !== undefined) return routedBundle(name, aliased, deadline);
      const known = Object.keys(targetsOf(routing).aliases).join(', ') || 'none';
      throw new ServingError('NOT_FOUND', `model ${name} has no alias ${shorten(alias)}, it has ${known}`);
    },

    forget: bundles.forget,
    confirm: routings.confirm,

    known: routings.known,

    canaryStep({ name, version, alias }, key, answering) {
      const routing = routings.known(name);
      const { plan, version: canary = 0 } = routing?.canary ?? {};
      if (plan === undefined || version !== undefined || alias !== undefined || key === undefined) return undefined;
      if (answering !== canary && answering !== routing?.stable) return undefined; // the routing has changed meanwhile
      const { slowMs, callers } = plan;
      const arm = answering === canary ? 'canary' : 'stable';
      return { version: canary, prefix: stepPrefix(name, canary, plan.since), arm, slowMs, callers };
    },

    shadow({ name, version, alias }, key) {
      const shadow = routings.known(name)?.shadow;
      if (shadow === undefined || version !== undefined || alias !== undefined || key === undefined) return undefined;
      return positionOf('shadow', name, key) < shadow.rate
        ? () => bundles.read(name, shadow.version, NEVER)
        : undefined;
    },
  };
};
