import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { messageOf } from '../core/message-of.ts';
import type { ObjectStore, StoredObject, WriteCondition } from '../repository/stores/object-store.ts';

/** Bytes of a document. Every read takes the whole of it. */
const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024;
/** Bytes up to which entries are added, about 20,000 keys. The rest has room for the time at which each of them is revoked. */
const MAX_BYTES_TO_ADD = 8 * 1024 * 1024;

/** A list of entries in one object beside the models: no role that reads models reads it. */
export interface AccessDocument<Entry> {
  /** The entries at one time. `known` is returned while it is the newest. @throws `MODEL_UNAVAILABLE`, `INTERNAL` */
  read(store: ObjectStore, known?: Entries<Entry>): Promise<Entries<Entry>>;
  /**
   * Changes the entries by compare-and-swap: after every lost race, `change` sees the current ones.
   * @throws errors of `change`; `MODEL_UNAVAILABLE`, after which the change may be there
   */
  change(store: ObjectStore, change: (entries: readonly Entry[]) => readonly Entry[]): Promise<void>;
}

/** Entries, and the etag of their document; without one, there is no document yet. */
export interface Entries<Entry> {
  readonly entries: readonly Entry[];
  readonly etag: string | undefined;
}

export interface AccessDocumentOptions<Entry> {
  /** The key of the object. */
  readonly key: string;
  /** The name of the list in the document, and in messages. */
  readonly name: string;
  readonly entry: v.GenericSchema<unknown, Entry>;
}

export const createAccessDocument = <Entry>({
  key,
  name,
  entry,
}: AccessDocumentOptions<Entry>): AccessDocument<Entry> => {
  const headSchema = v.looseObject({ formatVersion: v.literal(1) });
  const listSchema = v.array(entry);

  /** @throws `INTERNAL` naming the place */
  const parse = ({ body, etag }: StoredObject, { location }: ObjectStore): Entries<Entry> => {
    try {
      const document = v.parse(headSchema, JSON.parse(Buffer.from(body).toString('utf8')));
      return { entries: v.parse(listSchema, document[name]), etag };
    } catch (cause) {
      const operator = `${key} in ${location}: ${messageOf(cause)}; restore an earlier version of the object`;
      throw new ServingError('INTERNAL', `the document of the ${name} cannot be read`, { operator, cause });
    }
  };

  const read: AccessDocument<Entry>['read'] = async (store, known = { entries: [], etag: undefined }) => {
    try {
      const found =
        known.etag === undefined
          ? await store.read(key, MAX_DOCUMENT_BYTES)
          : await store.readChanged(key, known.etag, MAX_DOCUMENT_BYTES);
      return found === undefined ? known : parse(found, store);
    } catch (error) {
      if (ServingError.from(error).code === 'NOT_FOUND') return { entries: [], etag: undefined };
      throw error;
    }
  };

  /** Returns false when another writer came first. */
  const write = async (store: ObjectStore, known: Entries<Entry>, entries: readonly Entry[]): Promise<boolean> => {
    const text = JSON.stringify({ formatVersion: 1, [name]: entries }, undefined, 2);
    if (Buffer.byteLength(text) > (entries.length > known.entries.length ? MAX_BYTES_TO_ADD : MAX_DOCUMENT_BYTES))
      throw new ServingError('INVALID_REQUEST', `there are ${known.entries.length} ${name}, and no room for another`);
    const condition: WriteCondition = known.etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: known.etag };
    try {
      await store.write(key, text, { condition, contentType: 'application/json' });
      return true;
    } catch (error) {
      const { code } = ServingError.from(error);
      if (code === 'CONFLICT' || code === 'NOT_FOUND') return false;
      throw error;
    }
  };

  return {
    read,
    change: async (store, change) => {
      for (;;) {
        const known = await read(store);
        if (await write(store, known, change(known.entries))) return;
      }
    },
  };
};
