import type { KeyObject } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import { assertModelName, bundleKey, isVersion, MODELS_PREFIX, modelPrefix, routingKey, signatureKey } from './keys.ts';
import { parseRouting, type Routing } from './routing/routing.ts';
import type { ObjectStore, StoredObject } from './stores/object-store.ts';
import { type PublishedBundle, parseBundle } from './versions/bundle.ts';
import { assertSigned } from './versions/trusted-keys.ts';

/** A routing, and the etag by which it can be replaced. */
export interface RoutingDocument {
  readonly routing: Routing;
  readonly etag: string;
  /** It came with the function: a newer one may be in the store. */
  readonly isEmbedded?: true;
}

/** The models of a store, for reading. Every method throws `MODEL_UNAVAILABLE` when the store does not answer. */
export interface ModelRepository<Store extends ObjectStore = ObjectStore> {
  readonly store: Store;
  /** Names of the models, sorted. */
  names(): Promise<string[]>;
  /** The numbers that pushes have claimed, ascending. Some of them have no bundle: their pushes have not ended. */
  claimedVersions(name: string): Promise<number[]>;
  /** The versions that have a bundle, ascending. */
  versions(name: string): Promise<number[]>;
  /** @throws `NOT_FOUND` with the push command for the operator; `MODEL_INVALID` */
  routing(name: string): Promise<RoutingDocument>;
  /** Reads the routing when it no longer has `etag`; undefined while it has. */
  changedRouting(name: string, etag: string): Promise<RoutingDocument | undefined>;
  /** @throws `NOT_FOUND`; `MODEL_INVALID` */
  bundle(name: string, version: number): Promise<PublishedBundle>;
}

export interface RepositoryOptions {
  /** Names of the only models that readers see; they see all models when it is empty. */
  readonly only?: readonly string[];
  /** The function of each model that another one serves: readers here find it by its name, and no list has it. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Ed25519 public keys, one of which has to have signed every version; signatures are not asked for when it is empty. */
  readonly trustedKeys?: readonly KeyObject[];
  /** Versions, as `<model>/<version>`, that readers do not see, whatever the routing and the signatures say. */
  readonly withdrawn?: readonly string[];
}

/** Bundles and routings are small; a larger document is damaged. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 1024;

/** Resolves to `undefined` when `read` rejects with `NOT_FOUND`. */
export const unlessMissing = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ServingError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
};

/** The error that a model has no such version. */
export const missingVersion = ({ location }: ObjectStore, name: string, version: number): ServingError =>
  new ServingError('NOT_FOUND', `model ${name} has no version ${version}`, {
    operator: `npx onnx-serverless show ${name} lists the versions in ${location}`,
  });

const missingModel = ({ location }: ObjectStore, name: string): ServingError =>
  new ServingError('NOT_FOUND', `no model ${name}`, {
    operator: `push one to ${location} with: npx onnx-serverless push <file|folder> --name ${name}`,
  });

type Served = Required<Pick<RepositoryOptions, 'only' | 'elsewhere'>>;

/** @throws `NOT_FOUND` when `only` names other models */
const assertServed = (name: string, { only, elsewhere }: Served): void => {
  assertModelName(name);
  if (only.length > 0 && !only.includes(name) && !Object.hasOwn(elsewhere, name))
    throw new ServingError('NOT_FOUND', `model ${name} is not served here, only ${only.join(', ')}`, {
      operator: 'the stage parameter models (MODELS) says so',
    });
};

/** @throws `NOT_FOUND` for a version that was withdrawn */
const assertNotWithdrawn = (name: string, version: number, withdrawn: readonly string[]): void => {
  if (!withdrawn.includes(`${name}/${version}`)) return;
  throw new ServingError('NOT_FOUND', `version ${version} of model ${name} is withdrawn`, {
    operator: 'the stage parameter withdrawn (WITHDRAWN) names it; promote another version',
  });
};

/** Reads a document of the repository, which is undefined when it is missing. @throws `MODEL_INVALID` for one that is too large */
const readDocument = async (store: ObjectStore, key: string): Promise<StoredObject | undefined> => {
  try {
    return await unlessMissing(store.read(key, MAX_DOCUMENT_BYTES));
  } catch (error) {
    const { code, message } = ServingError.from(error);
    throw code === 'PAYLOAD_TOO_LARGE' ? new ServingError('MODEL_INVALID', message, { cause: error }) : error;
  }
};

const readSignature = async (store: ObjectStore, name: string, version: number): Promise<string | undefined> => {
  const object = await unlessMissing(store.read(signatureKey(name, version), MAX_SIGNATURE_BYTES));
  return object && Buffer.from(object.body).toString('ascii');
};

/** @throws `NOT_FOUND`; `MODEL_INVALID` */
const readBundle = async (
  store: ObjectStore,
  name: string,
  version: number,
  trustedKeys: readonly KeyObject[],
): Promise<PublishedBundle> => {
  const object = await readDocument(store, bundleKey(name, version));
  if (object === undefined) throw missingVersion(store, name, version);
  const { body, key } = object;
  const origin = `${store.location}/${key}`;
  // The signature is written first: it is there when the bundle is.
  if (trustedKeys.length > 0) assertSigned(body, await readSignature(store, name, version), trustedKeys, origin);
  const bundle = parseBundle(body, origin);
  // Otherwise an older version, or another model, could be put in its place, signature and all.
  if (bundle.name !== name || bundle.version !== version) {
    const problem = `${origin} is the bundle of ${bundle.name} version ${bundle.version}: push again`;
    throw new ServingError('MODEL_INVALID', problem);
  }
  return bundle;
};

const listClaimedVersions = async (store: ObjectStore, name: string): Promise<number[]> => {
  const numbers: number[] = [];
  for await (const folder of store.folders(modelPrefix(name))) if (isVersion(folder)) numbers.push(Number(folder));
  return numbers.sort((a, b) => a - b);
};

/** Lists all versions at once: a request for each of a thousand versions would take too long. */
const listVersions = async (store: ObjectStore, name: string): Promise<number[]> => {
  const numbers: number[] = [];
  for await (const { key } of store.list(modelPrefix(name))) {
    const version = Number(key.slice(modelPrefix(name).length).split('/')[0]);
    if (version > 0 && key === bundleKey(name, version)) numbers.push(version);
  }
  return numbers.sort((a, b) => a - b);
};

export const createModelRepository = <Store extends ObjectStore>(
  store: Store,
  { only = [], elsewhere = {}, trustedKeys = [], withdrawn = [] }: RepositoryOptions = {},
): ModelRepository<Store> => {
  const served = { only, elsewhere };
  const toRouting = ({ key, body, etag }: StoredObject): RoutingDocument => ({
    routing: parseRouting(body, `${store.location}/${key}`),
    etag,
  });

  return {
    store,

    async names() {
      const names: string[] = [];
      for await (const name of store.folders(MODELS_PREFIX))
        if ((only.length === 0 || only.includes(name)) && !Object.hasOwn(elsewhere, name)) names.push(name);
      return names.sort();
    },

    async claimedVersions(name) {
      assertServed(name, served);
      return listClaimedVersions(store, name);
    },

    async versions(name) {
      assertServed(name, served);
      return listVersions(store, name);
    },

    async routing(name) {
      assertServed(name, served);
      const object = await readDocument(store, routingKey(name));
      if (object === undefined) throw missingModel(store, name);
      return toRouting(object);
    },

    async changedRouting(name, etag) {
      const object = await store.readChanged(routingKey(name), etag, MAX_DOCUMENT_BYTES);
      return object && toRouting(object);
    },

    async bundle(name, version) {
      assertServed(name, served);
      assertNotWithdrawn(name, version, withdrawn);
      return readBundle(store, name, version, trustedKeys);
    },
  };
};
