import { ServingError } from '../core/errors.ts';
import type { Bundle } from './bundle.ts';
import { assertModelName, bundleKey, claimKey, fileKey, routingKey } from './keys.ts';
import { type ModelRepository, unlessMissing } from './model-repository.ts';
import type { Routing } from './routing.ts';

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

/** Routes to `version` by compare-and-swap, unless a later push was there first. */
const routeTo = async (repository: ModelRepository, name: string, version: number): Promise<void> => {
  const body = JSON.stringify({ formatVersion: 1, stable: version } satisfies Routing, undefined, 2);
  for (;;) {
    const current = await unlessMissing(repository.routing(name));
    if (current && current.routing.stable > version) return;
    try {
      await repository.store.write(routingKey(name), body, {
        condition: current ? { ifMatch: current.etag } : { ifNoneMatch: '*' },
        contentType: 'application/json',
      });
      return;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
};

/**
 * Publishes `files` as the next version of `draft.name` and routes to it, in the order that never shows half a version:
 * claim, files, bundle, routing. Returns the version. `onProgress` receives the bytes sent so far, of all files together.
 */
export const publish = async (
  repository: ModelRepository,
  draft: Draft,
  files: readonly LocalFile[],
  onProgress?: (sentBytes: number) => void,
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
  await routeTo(repository, name, version);
  return version;
};
