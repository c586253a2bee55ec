import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { createKey, hashKey } from './key.ts';
import { changeKeys, isLive, type StoredKey, withoutOld } from './key-document.ts';

/** Two: the one in use, and the one that takes its place. */
const LIVE_KEYS_OF_A_HOLDER = 2;
const HOLDER = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$/;

/** A key that was made. Nobody can read its text again. */
export interface IssuedKey {
  readonly key: StoredKey;
  readonly text: string;
}

export interface KeyRequest extends Pick<StoredKey, 'holder' | 'scopes' | 'by' | 'expires' | 'perSecond' | 'perDay'> {
  readonly now: Date;
}

const assertHolder = (holder: string): void => {
  if (!HOLDER.test(holder))
    throw new ServingError(
      'INVALID_REQUEST',
      `holder ${shorten(holder)} is not allowed: use 1 to 100 letters, digits, '.', '_', '@' and '-', starting with a letter or digit`,
    );
};

type NewKey = ReturnType<typeof createKey>;

const issue = ({ id, text }: NewKey, { now, ...request }: KeyRequest): IssuedKey => ({
  key: { id, ...request, sha256: hashKey(text), created: now.toISOString() },
  text,
});

/** Tells whether the key is there already: the answer to its write was lost, and the client met its own write when it tried again. */
const isWritten = (keys: readonly StoredKey[], { id }: NewKey): boolean => keys.some((key) => key.id === id);

/** Adds a key, and drops those that ended long ago. @throws `CONFLICT` when the holder of the new key has two live ones */
const withKey = (keys: readonly StoredKey[], { key }: IssuedKey, now: Date): readonly StoredKey[] => {
  const live = keys.filter((each) => each.holder === key.holder && isLive(each, now.getTime()));
  if (live.length < LIVE_KEYS_OF_A_HOLDER) return [...withoutOld(keys, now.getTime()), key];
  throw new ServingError(
    'CONFLICT',
    `${key.holder} has ${live.length} live keys, ${live.map(({ id }) => id).join(' and ')}; revoke one first`,
  );
};

const find = (keys: readonly StoredKey[], id: string): StoredKey => {
  const found = keys.find((key) => key.id === id);
  if (found) return found;
  throw new ServingError('NOT_FOUND', `there is no key ${shorten(id)}; npx onnx-serverless key list shows them`);
};

const replace = (keys: readonly StoredKey[], next: StoredKey): readonly StoredKey[] =>
  keys.map((key) => (key.id === next.id ? next : key));

/** Makes a key. @throws `INVALID_REQUEST`; `CONFLICT` when its holder has two live keys */
export const issueKey = async (store: ObjectStore, request: KeyRequest): Promise<IssuedKey> => {
  assertHolder(request.holder);
  const created = createKey();
  const issued = issue(created, request);
  await changeKeys(store, (keys) => (isWritten(keys, created) ? keys : withKey(keys, issued, request.now)));
  return issued;
};

/**
 * Makes a key with the scopes and limits of the key `id`, which goes on being valid up to `until`.
 * @throws `NOT_FOUND`; `CONFLICT` for a key that is not live, and when its holder has two live keys
 */
export const rotateKey = async (
  store: ObjectStore,
  id: string,
  { by, now, until }: { readonly by: string; readonly now: Date; readonly until: Date },
): Promise<IssuedKey> => {
  const created = createKey();
  let issued: IssuedKey | undefined;
  await changeKeys(store, (keys) => {
    if (isWritten(keys, created)) return keys;
    const old = find(keys, id);
    if (!isLive(old, now.getTime()))
      throw new ServingError('CONFLICT', `key ${id} is revoked or has expired; create a new key for ${old.holder}`);
    const { holder, scopes, perSecond, perDay } = old;
    const end = Math.min(until.getTime(), Date.parse(old.expires ?? until.toISOString()));
    issued = issue(created, { holder, scopes, perSecond, perDay, by, now });
    return withKey(replace(keys, { ...old, expires: new Date(end).toISOString() }), issued, now);
  });
  if (issued) return issued;
  throw new ServingError('INTERNAL', 'the keys were not changed');
};

/** Ends a key at once; one that was revoked before stays as it is. @throws `NOT_FOUND` */
export const revokeKey = (store: ObjectStore, id: string, now: Date): Promise<void> =>
  changeKeys(store, (keys) => {
    const key = find(keys, id);
    return key.revoked === undefined ? replace(keys, { ...key, revoked: now.toISOString() }) : keys;
  });
