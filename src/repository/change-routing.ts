import { ServingError } from '../core/errors.ts';
import { bundleKey, routingKey } from './keys.ts';
import { type ModelRepository, unlessMissing } from './model-repository.ts';
import { type Routing, routedVersions, type Targets, targetsOf } from './routing.ts';

/** Who changes a routing, how, and why: what its history says. */
export interface ChangeReason {
  readonly by: string;
  readonly action: string;
  readonly note?: string;
}

/** What a change makes of the routing that is there (undefined before the first); undefined leaves it as it is. */
export type RoutingChanger = (
  current: Routing | undefined,
) => (Targets & Partial<Pick<Routing, 'deleted'>>) | undefined;

/** Older entries are dropped: the document is read with every cold start. */
const HISTORY_LENGTH = 100;

const assertVersionsExist = async ({ store }: ModelRepository, name: string, next: Routing): Promise<void> => {
  for (const version of routedVersions(next)) {
    const exists = !next.deleted.includes(version) && (await unlessMissing(store.head(bundleKey(name, version))));
    if (!exists)
      throw new ServingError(
        'NOT_FOUND',
        `model ${name} has no version ${version}; npx onnx-serverless show ${name} lists them`,
      );
  }
};

const isLostRace = (error: unknown): boolean =>
  error instanceof ServingError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND');

/**
 * Changes the routing of a model by compare-and-swap: `change` sees the current one, again after every lost race. The versions that
 * the result routes to have to exist. Returns the routing that stands then.
 *
 * @throws `NOT_FOUND` for a version that does not exist, and whatever `change` throws
 */
export const changeRouting = async (
  repository: ModelRepository,
  name: string,
  { by, action, note = '' }: ChangeReason,
  change: RoutingChanger,
): Promise<Routing | undefined> => {
  for (;;) {
    const current = await unlessMissing(repository.routing(name));
    const changed = change(current?.routing);
    if (changed === undefined) return current?.routing;
    const targets = targetsOf(changed);
    const deleted = changed.deleted ?? current?.routing.deleted ?? [];
    const entry = {
      ...{ at: new Date().toISOString(), by, action },
      ...{ from: current ? targetsOf(current.routing) : null, to: targets, note },
    };
    const history = [...(current?.routing.history ?? []), entry].slice(-HISTORY_LENGTH);
    const next: Routing = { formatVersion: 1, ...targets, deleted, history };
    await assertVersionsExist(repository, name, next);
    try {
      await repository.store.write(routingKey(name), JSON.stringify(next, undefined, 2), {
        condition: current ? { ifMatch: current.etag } : { ifNoneMatch: '*' },
        contentType: 'application/json',
      });
      return next;
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }
};
