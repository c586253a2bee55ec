import { isDeepStrictEqual } from 'node:util';
import { ServingError } from '../../core/errors.ts';
import { bundleKey, routingKey } from '../keys.ts';
import { type ModelRepository, unlessMissing } from '../model-repository.ts';
import { type Routing, type RoutingChange, routedVersions, type Targets, targetsOf } from './routing.ts';

/** Who changes a routing, how, and why: what its history says. */
export interface ChangeReason {
  readonly by: string;
  readonly action: string;
  readonly note?: string;
  /** Only says what would be changed. */
  readonly dryRun?: boolean;
}

/** What a change makes of the routing that is there (undefined before the first); undefined leaves it as it is. */
export type RoutingChanger = (
  current: Routing | undefined,
) => (Targets & Partial<Pick<Routing, 'deleted'>>) | undefined;

/** Older entries are dropped: the document is read with every cold start. */
const HISTORY_LENGTH = 100;

/** @throws `NOT_FOUND` for a version that `next` routes to and `current` does not: one that is missing already hinders no other change */
const assertVersionsExist = async (
  { store }: ModelRepository,
  name: string,
  current: Routing | undefined,
  next: Routing,
): Promise<void> => {
  const known = current ? routedVersions(current) : new Set();
  for (const version of routedVersions(next)) {
    if (known.has(version)) continue;
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

/** The routing after `changed`, with what its history says of it; undefined when nothing is changed. */
const nextRouting = (
  current: Routing | undefined,
  changed: ReturnType<RoutingChanger>,
  { by, action, note = '' }: ChangeReason,
): { readonly next: Routing; readonly change: RoutingChange } | undefined => {
  if (changed === undefined) return undefined;
  const [from, to] = [current ? targetsOf(current) : null, targetsOf(changed)];
  const deleted = changed.deleted ?? current?.deleted ?? [];
  if (isDeepStrictEqual([from, current?.deleted], [to, deleted])) return undefined;
  const change = { at: new Date().toISOString(), by, action, from, to, note };
  const history = [...(current?.history ?? []), change].slice(-HISTORY_LENGTH);
  return { next: { formatVersion: 1, ...to, deleted, history }, change };
};

/**
 * Changes the routing of a model by compare-and-swap: `change` sees the current one, again after every lost race. The versions that
 * the result newly routes to have to exist. Returns what was changed, undefined for nothing.
 *
 * @throws `NOT_FOUND` for a version that does not exist, and whatever `change` throws
 */
export const changeRouting = async (
  repository: ModelRepository,
  name: string,
  reason: ChangeReason,
  change: RoutingChanger,
): Promise<RoutingChange | undefined> => {
  for (;;) {
    const current = await unlessMissing(repository.routing(name));
    const changed = nextRouting(current?.routing, change(current?.routing), reason);
    if (changed === undefined) return undefined;
    await assertVersionsExist(repository, name, current?.routing, changed.next);
    if (reason.dryRun) return changed.change;
    try {
      await repository.store.write(routingKey(name), JSON.stringify(changed.next, undefined, 2), {
        condition: current ? { ifMatch: current.etag } : { ifNoneMatch: '*' },
        contentType: 'application/json',
      });
      return changed.change;
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }
};
