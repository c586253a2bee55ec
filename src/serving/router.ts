import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { PublishedBundle } from '../repository/bundle.ts';
import type { ModelRepository } from '../repository/model-repository.ts';

/** A model as a caller names it; without a version the routing chooses. */
export interface ModelReference {
  readonly name: string;
  readonly version?: number;
}

export interface Router {
  /** @throws `NOT_FOUND` with the push command or the version that is missing; `MODEL_UNAVAILABLE`, `MODEL_INVALID` */
  route(reference: ModelReference): Promise<PublishedBundle>;
}

/** How long a warm function answers with the version it knows before it asks again. */
const ROUTING_TTL_MS = 30_000;

interface Known {
  readonly stable: number;
  readonly readAtMs: number;
}

/** Chooses versions, and remembers: routings for a while, bundles (which never change) for good. */
export const createRouter = (repository: ModelRepository, nowMs: () => number = Date.now): Router => {
  const routings = new Map<string, Known>();
  const bundles = new Map<string, () => Promise<PublishedBundle>>();

  const stableVersion = async (name: string): Promise<number> => {
    const known = routings.get(name);
    if (known && nowMs() - known.readAtMs < ROUTING_TTL_MS) return known.stable;
    try {
      const { routing } = await repository.routing(name);
      routings.set(name, { stable: routing.stable, readAtMs: nowMs() });
      return routing.stable;
    } catch (error) {
      // An S3 that does not answer is no reason to stop answering with a model that is in memory.
      if (known && ServingError.from(error).code === 'MODEL_UNAVAILABLE') return known.stable;
      routings.delete(name);
      throw error;
    }
  };

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

  return {
    async route({ name, version }) {
      if (version !== undefined) return bundle(name, version);
      const stable = await stableVersion(name);
      try {
        return await bundle(name, stable);
      } catch (error) {
        if (ServingError.from(error).code !== 'NOT_FOUND') throw error;
        // The routing is older than the deletion of the version: the next request reads it again.
        routings.delete(name);
        throw new ServingError('MODEL_UNAVAILABLE', `version ${stable} of model ${name} is routed to but missing`, {
          cause: error,
        });
      }
    },
  };
};
