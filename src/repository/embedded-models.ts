import { join } from 'node:path';
import { versionPrefix } from './keys.ts';
import {
  createModelRepository,
  type ModelRepository,
  type RepositoryOptions,
  unlessMissing,
} from './model-repository.ts';
import { createDirectoryStore } from './stores/directory-store.ts';
import type { ObjectStore } from './stores/object-store.ts';
import type { PublishedBundle } from './versions/bundle.ts';

/** Models that travel with the function. */
export interface EmbeddedModels {
  /** Holds the routings, bundles and files of the models, as a bucket does: `models/<name>/…`. */
  readonly directory: string;
  readonly names: readonly string[];
  /** `deployed` answers by the routing of the deployment until the store was asked; `strict` asks the store first. */
  readonly routing: EmbedRouting;
}

export const EMBED_ROUTINGS = ['deployed', 'strict'] as const;
export type EmbedRouting = (typeof EMBED_ROUTINGS)[number];

export interface EmbeddingRepository<Store extends ObjectStore = ObjectStore> extends ModelRepository<Store> {
  /** The folder with the files of a version that travels with the function; undefined for any other version. */
  embeddedFiles(bundle: PublishedBundle): string | undefined;
}

/**
 * Looks for routings and bundles among the embedded models, and then in `remote`. The deployment has checked the hashes of their files. A
 * routing is taken from there once: who asks again wants to know what has changed since.
 */
export const withEmbeddedModels = <Store extends ObjectStore>(
  remote: ModelRepository<Store>,
  { directory, names, routing: mode }: EmbeddedModels,
  options: RepositoryOptions,
): EmbeddingRepository<Store> => {
  const embedded = createModelRepository(createDirectoryStore(directory), options);
  const unread = new Set(mode === 'strict' ? [] : names);
  const folders = new Map<string, string>();
  return {
    ...remote,

    async routing(name) {
      const document = unread.delete(name) ? await unlessMissing(embedded.routing(name)) : undefined;
      return document ? { ...document, isEmbedded: true } : remote.routing(name);
    },

    async bundle(name, version) {
      const bundle = names.includes(name) ? await unlessMissing(embedded.bundle(name, version)) : undefined;
      if (bundle === undefined) return remote.bundle(name, version);
      folders.set(bundle.digest, join(directory, versionPrefix(name, version), 'files'));
      return bundle;
    },

    embeddedFiles: ({ digest }) => folders.get(digest),
  };
};
