import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';
import type { ObjectStore, StoredObject, WriteCondition } from '../repository/stores/object-store.ts';

/** Beside the models, and not below them: only the authorizer and the command line read it. */
const KEYS_OBJECT = 'access/keys.json';
/** About 3,000 keys. Every read takes the whole document. */
const MAX_DOCUMENT_BYTES = 1_048_576;

const time = v.pipe(v.string(), v.isoTimestamp());
const keySchema = v.object({
  id: v.string(),
  holder: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  scopes: v.array(v.string()),
  created: time,
  by: v.string(),
  expires: v.optional(time),
  revoked: v.optional(time),
});
const documentSchema = v.object({ formatVersion: v.literal(1), keys: v.array(keySchema) });

/** A key without its secret. */
export type StoredKey = v.InferOutput<typeof keySchema>;

/** The keys at one time, and the etag of their document; without one, there is no document yet. */
export interface KeyDocument {
  readonly keys: readonly StoredKey[];
  readonly etag: string | undefined;
}

const EMPTY: KeyDocument = { keys: [], etag: undefined };

/** @throws `INTERNAL` naming the place */
const parse = ({ body, etag }: StoredObject, { location }: ObjectStore): KeyDocument => {
  try {
    return { keys: v.parse(documentSchema, JSON.parse(Buffer.from(body).toString('utf8'))).keys, etag };
  } catch (cause) {
    const operator = `${KEYS_OBJECT} in ${location}: ${messageOf(cause)}; restore an earlier version of the object`;
    throw new ServingError('INTERNAL', 'the document of the keys cannot be read', { operator, cause });
  }
};

/** The keys of a store of models. `known` is returned while it is the newest. @throws `MODEL_UNAVAILABLE`, `INTERNAL` */
export const readKeys = async (store: ObjectStore, known: KeyDocument = EMPTY): Promise<KeyDocument> => {
  try {
    const read =
      known.etag === undefined
        ? await store.read(KEYS_OBJECT, MAX_DOCUMENT_BYTES)
        : await store.readChanged(KEYS_OBJECT, known.etag, MAX_DOCUMENT_BYTES);
    return read === undefined ? known : parse(read, store);
  } catch (error) {
    if (ServingError.from(error).code === 'NOT_FOUND') return EMPTY;
    throw error;
  }
};

/** Returns false when another writer came first. */
const write = async (store: ObjectStore, keys: readonly StoredKey[], condition: WriteCondition): Promise<boolean> => {
  const text = JSON.stringify({ formatVersion: 1, keys }, undefined, 2);
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    throw new ServingError('INVALID_REQUEST', `there are ${keys.length} keys, and no room for another`);
  try {
    await store.write(KEYS_OBJECT, text, { condition, contentType: 'application/json' });
    return true;
  } catch (error) {
    const { code } = ServingError.from(error);
    if (code === 'CONFLICT' || code === 'NOT_FOUND') return false;
    throw error;
  }
};

/**
 * Changes the keys by compare-and-swap: after every lost race, `change` sees the current ones.
 * @throws errors of `change`; `MODEL_UNAVAILABLE`, after which the change may be there
 */
export const changeKeys = async (
  store: ObjectStore,
  change: (keys: readonly StoredKey[]) => readonly StoredKey[],
): Promise<void> => {
  for (;;) {
    const { keys, etag } = await readKeys(store);
    const condition: WriteCondition = etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag };
    if (await write(store, change(keys), condition)) return;
  }
};

/** Tells whether the key lets its holder in. */
export const isLive = ({ expires, revoked }: StoredKey, nowMs: number): boolean =>
  revoked === undefined && (expires === undefined || Date.parse(expires) > nowMs);
