import type { ObjectStore } from '../repository/stores/object-store.ts';
import { keyIdOf, matchesHash } from './key.ts';
import { isLive, type KeyDocument, readKeys, type StoredKey } from './key-document.ts';
import type { Identity } from './scope.ts';

/** Finds the caller by a key or a token; undefined when it lets nobody in. */
export type Identify = (credential: string) => Promise<Identity | undefined>;

/** A key that is not known may be new: the store is asked at most once in this time, however many unknown keys come. */
const UNKNOWN_TTL_MS = 1_000;

/** The keys of a document by their ids. A stage may have thousands. */
interface Index {
  readonly document: KeyDocument;
  readonly byId: ReadonlyMap<string, StoredKey>;
}

interface Known {
  readonly index: Promise<Index>;
  readonly readMs: number;
}

/** Reads the keys; `newest` is returned while the document is the same. */
const readIndex = async (store: ObjectStore, newest: Index | undefined): Promise<Index> => {
  const document = await readKeys(store, newest?.document);
  if (document === newest?.document) return newest;
  return { document, byId: new Map(document.entries.map((key) => [key.id, key])) };
};

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
  let newest: Index | undefined;

  const currentKeys = async (maxAgeMs: number): Promise<Index['byId']> => {
    const startedMs = nowMs();
    if (known === undefined || startedMs - known.readMs >= maxAgeMs) {
      const reading = { index: readIndex(store, newest), readMs: startedMs };
      known = reading;
      reading.index.catch(() => {
        if (known === reading) known = undefined;
      });
    }
    newest = await known.index;
    return newest.byId;
  };

  return async (credential) => {
    const id = keyIdOf(credential);
    if (id === undefined) return undefined;
    const find = async (maxAgeMs: number) => (await currentKeys(maxAgeMs)).get(id);
    const key = (await find(ttlMs)) ?? (await find(Math.min(UNKNOWN_TTL_MS, ttlMs)));
    if (!key || !matchesHash(credential, key.sha256) || !isLive(key, nowMs())) return undefined;
    const { holder, scopes, perSecond, perDay } = key;
    const isLimited = perSecond !== undefined || perDay !== undefined;
    return { holder, scopes, ...(isLimited && { quota: { keyId: key.id, perSecond, perDay } }) };
  };
};
