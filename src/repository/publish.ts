import { ServingError } from '../core/errors.ts';
import type { Bundle } from './bundle.ts';
import { changeRouting } from './change-routing.ts';
import { assertModelName, bundleKey, claimKey, fileKey } from './keys.ts';
import type { ModelRepository } from './model-repository.ts';

/** A file of this computer that becomes the file `path` of a version. */
export interface LocalFile {
  readonly path: string;
  readonly localPath: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A bundle before it has a version. */
export type Draft = Omit<Bundle, 'formatVersion' | 'version' | 'files'>;

const isConflict = (error: unknown): boolean => error instanceof ServingError && error.code === 'CONFLICT';

/** The first free number: two pushes never share one, since only one of them can create its claim. */
const claimVersion = async ({ store, claimedVersions }: ModelRepository, name: string): Promise<number> => {
  for (let version = ((await claimedVersions(name)).at(-1) ?? 0) + 1; ; version += 1) {
    try {
      await store.write(claimKey(name, version), new Date().toISOString(), { condition: { ifNoneMatch: '*' } });
      return version;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
};

export interface PublishOptions {
  /** Who publishes, for the history of the routing. */
  readonly by: string;
  /** Receives the bytes sent so far, of all files together. */
  readonly onProgress?: (sentBytes: number) => void;
}

/**
 * Publishes `files` as the next version of `draft.name`, in the order that never shows half a version: claim, files, bundle. The first
 * version of a model answers at once, a later one when it is promoted. Returns the version.
 */
export const publish = async (
  repository: ModelRepository,
  draft: Draft,
  files: readonly LocalFile[],
  { by, onProgress }: PublishOptions,
): Promise<number> => {
  const { name } = draft;
  assertModelName(name);
  const version = await claimVersion(repository, name);
  let finishedBytes = 0;
  for (const { path, localPath, sha256, bytes } of files) {
    await repository.store.upload(fileKey(name, version, path), localPath, {
      sha256,
      onProgress: (sentBytes) => onProgress?.(finishedBytes + sentBytes),
    });
    finishedBytes += bytes;
  }
  const bundle: Bundle = {
    formatVersion: 1,
    ...draft,
    version,
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
  await repository.store.write(bundleKey(name, version), JSON.stringify(bundle, undefined, 2), {
    condition: { ifNoneMatch: '*' },
    contentType: 'application/json',
  });
  await changeRouting(repository, name, { by, action: 'push' }, (current) =>
    current ? undefined : { stable: version, aliases: {} },
  );
  return version;
};
