import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** The store at `location`, which is opened when it is first used. `open` is called for each use. */
export const createDeferredStore = (location: string, open: () => Promise<ObjectStore>): Required<ObjectStore> => ({
  location,
  head: async (key) => (await open()).head(key),
  read: async (key, maxBytes) => (await open()).read(key, maxBytes),
  readChanged: async (key, etag, maxBytes) => (await open()).readChanged(key, etag, maxBytes),
  async *readRange(key, start, end, etag) {
    yield* (await open()).readRange(key, start, end, etag);
  },
  async *readBlocks(key, start, end) {
    yield* (await open()).readBlocks(key, start, end);
  },
  write: async (key, body, options) => (await open()).write(key, body, options),
  async *list(prefix, after) {
    yield* (await open()).list(prefix, after);
  },
  async *folders(prefix) {
    yield* (await open()).folders(prefix);
  },
  remove: async (key) => (await open()).remove(key),
  presign: async (key, seconds) => {
    const store = await open();
    if (store.presign === undefined) throw new ServingError('INTERNAL', `${location} has no URLs`);
    return store.presign(key, seconds);
  },
  presignWrite: async (key, seconds, bounds) => {
    const store = await open();
    if (store.presignWrite === undefined) throw new ServingError('INTERNAL', `${location} has no URLs`);
    return store.presignWrite(key, seconds, bounds);
  },
});
