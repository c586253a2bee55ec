import type { KeyObject } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import { assertModelName, bundleKey, MODELS_PREFIX, modelPrefix, routingKey, signatureKey } from './keys.ts';
import { parseRouting, type Routing } from './routing/routing.ts';
import type { ObjectStore } from './stores/object-store.ts';
import { type PublishedBundle, parseBundle } from './versions/bundle.ts';
import { assertSigned } from './versions/trusted-keys.ts';

export interface RoutingDocument {
  readonly routing: Routing;
  readonly etag: string;
}

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
  routing(name: string): Promise<RoutingDocument>;
  /** The same, or undefined while it still has `etag`. */
  changedRouting(name: string, etag: string): Promise<RoutingDocument | undefined>;
  /** @throws `NOT_FOUND`; `MODEL_INVALID` */
  bundle(name: string, version: number): Promise<PublishedBundle>;
}

export interface RepositoryOptions {
  /** Names of the only models there are, for whoever reads; all when empty. */
  readonly only?: readonly string[];
  /** Ed25519 public keys, one of which has to have signed every version; when empty, none has to. */
  readonly trustedKeys?: readonly KeyObject[];
}

/** Metadata is small; a document beyond this is none. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 1024;

/** Resolves to `undefined` where `read` rejects with `NOT_FOUND`. */
export const unlessMissing = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ServingError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
};

export const createModelRepository = <Store extends ObjectStore>(
  store: Store,
  { only = [], trustedKeys = [] }: RepositoryOptions = {},
): ModelRepository<Store> => {
  const assertServed = (name: string): void => {
    assertModelName(name);
    if (only.length > 0 && !only.includes(name))
      throw new ServingError(
        'NOT_FOUND',
        `model ${name} is not served here, only ${only.join(', ')}; the stage parameter models (MODELS) says so`,
      );
  };

  const readDocument = async <T>(
    key: string,
    missing: string,
    parse: (bytes: Uint8Array, origin: string) => T | Promise<T>,
  ) => {
    const object = await unlessMissing(store.read(key, MAX_DOCUMENT_BYTES));
    if (object === undefined) throw new ServingError('NOT_FOUND', missing);
    return { document: await parse(object.body, `${store.location}/${key}`), etag: object.etag };
  };

  const readSignature = async (name: string, version: number): Promise<string | undefined> => {
    const object = await unlessMissing(store.read(signatureKey(name, version), MAX_SIGNATURE_BYTES));
    return object && Buffer.from(object.body).toString('ascii');
  };

  const claimedVersions = async (name: string): Promise<number[]> => {
    assertServed(name);
    const numbers: number[] = [];
    for await (const folder of store.folders(modelPrefix(name))) {
      if (/^[1-9][0-9]{0,8}$/.test(folder)) numbers.push(Number(folder));
    }
    return numbers.sort((a, b) => a - b);
  };

  return {
    store,
    claimedVersions,

    async names() {
      const names: string[] = [];
      for await (const name of store.folders(MODELS_PREFIX))
        if (only.length === 0 || only.includes(name)) names.push(name);
      return names.sort();
    },

    async versions(name) {
      assertServed(name);
      const numbers: number[] = [];
      // One listing, and not a request for each of what may be a thousand versions.
      for await (const { key } of store.list(modelPrefix(name))) {
        const version = Number(key.slice(modelPrefix(name).length).split('/')[0]);
        if (version > 0 && key === bundleKey(name, version)) numbers.push(version);
      }
      return numbers.sort((a, b) => a - b);
    },

    async routing(name) {
      assertServed(name);
      const push = `npx onnx-serverless push <file|folder> --name ${name}`;
      const { document, etag } = await readDocument(
        routingKey(name),
        `no model ${name} in ${store.location}; push one with: ${push}`,
        parseRouting,
      );
      return { routing: document, etag };
    },

    async changedRouting(name, etag) {
      const object = await store.readChanged(routingKey(name), etag);
      const origin = `${store.location}/${routingKey(name)}`;
      return object && { routing: parseRouting(object.body, origin), etag: object.etag };
    },

    async bundle(name, version) {
      assertServed(name);
      const missing = `model ${name} has no version ${version} in ${store.location}`;
      // The signature is written first, so that whoever sees the bundle sees its signature.
      const parse = async (bytes: Uint8Array, origin: string): Promise<PublishedBundle> => {
        if (trustedKeys.length > 0) assertSigned(bytes, await readSignature(name, version), trustedKeys, origin);
        const bundle = parseBundle(bytes, origin);
        // Otherwise an older version, or another model, could be put in its place, signature and all.
        if (bundle.name !== name || bundle.version !== version)
          throw new ServingError(
            'MODEL_INVALID',
            `${origin} is the bundle of ${bundle.name} version ${bundle.version}: push again`,
          );
        return bundle;
      };
      return (await readDocument(bundleKey(name, version), missing, parse)).document;
    },
  };
};
