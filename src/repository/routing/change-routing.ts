import { isDeepStrictEqual } from 'node:util';
import { ServingError } from '../../core/errors.ts';
import { bundleKey, routingKey } from '../keys.ts';
import { type ModelRepository, missingVersion, unlessMissing } from '../model-repository.ts';
import { type Routing, type RoutingChange, routedVersions, type Targets, targetsOf } from './routing.ts';

/** Author, action and reason of a change, for the history of the routing. */
export interface ChangeReason {
  readonly by: string;
  readonly action: string;
  readonly note?: string;
  /** Returns the change and does not write it. */
  readonly dryRun?: boolean;
}

/** Returns the targets after the change, or undefined for no change. `current` is undefined before the first routing of a model. */
export type RoutingChanger = (
  current: Routing | undefined,
) => (Targets & Partial<Pick<Routing, 'deleted' | 'captured'>>) | undefined;

/** Entries. Older ones are dropped: every cold start reads the document. */
const HISTORY_LENGTH = 100;

/** @throws `NOT_FOUND` for a missing version that `next` routes to and `current` does not; one that `current` routes to hinders no other change. */
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
    if (!exists) throw missingVersion(store, name, version);
  }
};

const isLostRace = (error: unknown): boolean =>
  error instanceof ServingError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND');

/** The routing after the change, and the entry of its history; undefined when nothing changes. */
const nextRouting = (
  current: Routing | undefined,
  changed: ReturnType<RoutingChanger>,
  { by, action, note = '' }: ChangeReason,
): { readonly next: Routing; readonly change: RoutingChange } | undefined => {
  if (changed === undefined) return undefined;
  const [from, to] = [current ? targetsOf(current) : null, targetsOf(changed)];
  const deleted = changed.deleted ?? current?.deleted ?? [];
  const captured = (changed.captured ?? current?.captured) || undefined;
  if (isDeepStrictEqual([from, current?.deleted, current?.captured], [to, deleted, captured])) return undefined;
  const change = { at: new Date().toISOString(), by, action, from, to, note };
  const history = [...(current?.history ?? []), change].slice(-HISTORY_LENGTH);
  return { next: { formatVersion: 1, ...to, deleted, ...(captured && { captured }), history }, change };
};

/** Tells whether the history has the change: the answer to its write was lost, and the client met its own write when it tried again. */
const isWritten = (routing: Routing | undefined, change: RoutingChange): boolean =>
  routing?.history.some((entry) => isDeepStrictEqual(entry, change)) ?? false;

/** Writes the routing. Returns false when another writer came first. @throws `MODEL_UNAVAILABLE` saying what is known of the change */
const writeRouting = async (
  repository: ModelRepository,
  name: string,
  etag: string | undefined,
  { next, change }: { readonly next: Routing; readonly change: RoutingChange },
): Promise<boolean> => {
  try {
    await repository.store.write(routingKey(name), JSON.stringify(next, undefined, 2), {
      condition: etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag },
      contentType: 'application/json',
    });
    return true;
  } catch (error) {
    const isUnknown = ServingError.from(error).code === 'MODEL_UNAVAILABLE';
    if (!isUnknown && !isLostRace(error)) throw error;
    const now = await unlessMissing(repository.routing(name)).catch(() => 'unknown' as const);
    if (now !== 'unknown' && isWritten(now?.routing, change)) return true;
    if (!isUnknown) return false;
    const state = now === 'unknown' ? 'the routing may have changed or not' : 'the routing has not changed';
    const operator = `${state}; npx onnx-serverless history ${name} shows its changes`;
    const { message } = ServingError.from(error);
    throw new ServingError('MODEL_UNAVAILABLE', message, { operator, cause: error });
  }
};

/**
 * Changes the routing of a model by compare-and-swap: after every lost race, `change` sees the current routing again. Versions that
 * the routing has not named before have to exist. Returns the entry of the history, or undefined when nothing changes.
 *
 * @throws `NOT_FOUND` for a version that does not exist; errors of `change`; `MODEL_UNAVAILABLE`, after which the change may be there
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
    if (await writeRouting(repository, name, current?.etag, changed)) return changed.change;
  }
};
