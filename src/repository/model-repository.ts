import { ServingError } from '../core/errors.ts';
import { type PublishedBundle, parseBundle } from './bundle.ts';
import { assertModelName, bundleKey, MODELS_PREFIX, modelPrefix, routingKey } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import { parseRouting, type Routing } from './routing.ts';

/** The models that a store holds, for reading. Every method throws `MODEL_UNAVAILABLE` when the store does not answer. */
export interface ModelRepository<Store extends ObjectStore = ObjectStore> {
  readonly store: Store;
  /** Names of the models, sorted. */
  names(): Promise<string[]>;
  /** The numbers that pushes have claimed, ascending; a version of which only the claim exists was not published whole. */
  claimedVersions(name: string): Promise<number[]>;
  /** Versions that were published whole, ascending. */
  versions(name: string): Promise<number[]>;
  /** @throws `NOT_FOUND` with the command that pushes a model; `MODEL_INVALID` */
  routing(name: string): Promise<{ readonly routing: Routing; readonly etag: string }>;
  /** @throws `NOT_FOUND`; `MODEL_INVALID` */
  bundle(name: string, version: number): Promise<PublishedBundle>;
}

/** Metadata is small; a document beyond this is none. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Resolves to `undefined` where `read` rejects with `NOT_FOUND`. */
export const unlessMissing = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ServingError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
};

export const createModelRepository = <Store extends ObjectStore>(store: Store): ModelRepository<Store> => {
  const readDocument = async <T>(key: string, missing: string, parse: (bytes: Uint8Array, origin: string) => T) => {
    const object = await unlessMissing(store.read(key, MAX_DOCUMENT_BYTES));
    if (object === undefined) throw new ServingError('NOT_FOUND', missing);
    return { document: parse(object.body, `${store.location}/${key}`), etag: object.etag };
  };

  const claimedVersions = async (name: string): Promise<number[]> => {
    assertModelName(name);
    const numbers: number[] = [];
    for await (const folder of store.folders(modelPrefix(name))) {
      if (/^[1-9][0-9]*$/.test(folder)) numbers.push(Number(folder));
    }
    return numbers.sort((a, b) => a - b);
  };

  return {
    store,
    claimedVersions,

    async names() {
      const names: string[] = [];
      for await (const name of store.folders(MODELS_PREFIX)) names.push(name);
      return names.sort();
    },

    async versions(name) {
      assertModelName(name);
      const numbers: number[] = [];
      // One listing, and not a request for each of what may be a thousand versions.
      for await (const { key } of store.list(modelPrefix(name))) {
        const version = Number(key.slice(modelPrefix(name).length).split('/')[0]);
        if (version > 0 && key === bundleKey(name, version)) numbers.push(version);
      }
      return numbers.sort((a, b) => a - b);
    },

    async routing(name) {
      assertModelName(name);
      const push = `npx onnx-serverless push <file|folder> --name ${name}`;
      const { document, etag } = await readDocument(
        routingKey(name),
        `no model ${name} in ${store.location}; push one with: ${push}`,
        parseRouting,
      );
      return { routing: document, etag };
    },

    async bundle(name, version) {
      assertModelName(name);
      const missing = `model ${name} has no version ${version} in ${store.location}`;
      return (await readDocument(bundleKey(name, version), missing, parseBundle)).document;
    },
  };
};
