import type { ObjectStore } from '../repository/stores/object-store.ts';
import { keyIdOf, matchesHash } from './key.ts';
import { isLive, type KeyDocument, readKeys } from './key-document.ts';
import type { Identity } from './scope.ts';

/** Finds the caller by a key or a token; undefined when it lets nobody in. */
export type Identify = (credential: string) => Promise<Identity | undefined>;

/** A key that is not known may be new: the store is asked at most once in this time, however many unknown keys come. */
const UNKNOWN_TTL_MS = 1_000;

interface Known {
  readonly document: Promise<KeyDocument>;
  readonly readMs: number;
}

/**
 * Identifies by the keys of a store, which it reads again after `ttlMs`. A store that does not answer by then lets nobody in, so that a
 * revoked key ends in time.
 * @throws `MODEL_UNAVAILABLE` when the store does not answer
 */
export const createIdentifyByKey = (
  store: ObjectStore,
  { ttlMs, nowMs = Date.now }: { readonly ttlMs: number; readonly nowMs?: () => number },
): Identify => {
  let known: Known | undefined;
  let newest: KeyDocument | undefined;

  const currentKeys = async (maxAgeMs: number): Promise<KeyDocument> => {
    const startedMs = nowMs();
    if (known === undefined || startedMs - known.readMs >= maxAgeMs) {
      const reading = { document: readKeys(store, newest), readMs: startedMs };
      known = reading;
      reading.document.catch(() => {
        if (known === reading) known = undefined;
      });
    }
    newest = await known.document;
    return newest;
  };

  return async (credential) => {
    const id = keyIdOf(credential);
    if (id === undefined) return undefined;
    const find = async (maxAgeMs: number) => (await currentKeys(maxAgeMs)).entries.find((each) => each.id === id);
    const key = (await find(ttlMs)) ?? (await find(Math.min(UNKNOWN_TTL_MS, ttlMs)));
    if (!key || !matchesHash(credential, key.sha256) || !isLive(key, nowMs())) return undefined;
    const { holder, scopes, perSecond, perDay } = key;
    const isLimited = perSecond !== undefined || perDay !== undefined;
    return { holder, scopes, ...(isLimited && { quota: { keyId: key.id, perSecond, perDay } }) };
  };
};
