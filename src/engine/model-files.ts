import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { formatLambdaMb } from '../core/format-bytes.ts';
import { createQueue } from '../core/queue.ts';
import { totalBytes } from '../core/total-bytes.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type Create, createLeaseCache, type Sized } from './lease-cache.ts';
import { PARTIAL_SUFFIX, removeLeftBehind } from './left-behind.ts';
import { type LoadJournal, openLoadJournal } from './load-journal.ts';
import { ensureFiles, filesToLoad, removeDirectory, stampOf } from './version-files.ts';

/** The files of a version on the disk of this process. */
export interface ModelDirectory {
  readonly path: string;
  /** Size and duration of the download; undefined once it was reported, or when the files were there already. */
  download: { readonly bytes: number; readonly ms: number } | undefined;
  /** The state of the files when this process knew them to be right; undefined for files that an earlier process left. */
  stamp: string | undefined;
}

export interface ModelFiles {
  readonly journal: LoadJournal;
  /**
   * Runs `work` with the files of `bundle`, which stay until it ends. Other files, least recently used first, make room for them.
   * A file that a session maps may be removed: its room comes back when the session is released.
   * @throws `INSUFFICIENT_STORAGE` before the download when the files can never fit; errors of `ensureFiles`
   */
  use<Result>(bundle: PublishedBundle, work: (directory: ModelDirectory) => Promise<Result>): Promise<Result>;
}

export interface ModelFilesOptions {
  readonly directory: string;
  /** The limit for the files of all models together. */
  readonly budgetBytes: number;
  /** The folder of files that travel with the function, which nobody can write; undefined for a version that does not. */
  readonly embeddedFiles?: ((bundle: PublishedBundle) => string | undefined) | undefined;
}

const sizeOf = async (directory: string): Promise<number> => {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = files.filter((file) => file.isFile()).map(async ({ parentPath, name }) => stat(join(parentPath, name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
};

/** A directory as it was left; undefined for one that another process removes meanwhile, or that cannot be read. */
const look = async (root: string, name: string) => {
  try {
    const path = join(root, name);
    return { name, path, changedMs: (await stat(path)).mtimeMs, bytes: await sizeOf(path) };
  } catch {
    return undefined;
  }
};

/** The directories that earlier processes in this environment left, oldest first. Nothing of them is trusted before it is used. */
const takeOver = async (root: string): Promise<(readonly [string, Sized<ModelDirectory>])[]> => {
  await removeLeftBehind(root);
  const directories = (await readdir(root, { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && !entry.name.endsWith(PARTIAL_SUFFIX),
  );
  const found = (await Promise.all(directories.map(({ name }) => look(root, name)))).filter(
    (each) => each !== undefined,
  );
  return found
    .sort((a, b) => a.changedMs - b.changedMs)
    .map(({ name, path, bytes }) => [name, { value: { path, download: undefined, stamp: undefined }, bytes }] as const);
};

/** Opens the directory that keeps the files of models, one directory for each version by the digest of its bundle. */
export const openModelFiles = async (
  store: ObjectStore,
  { directory: root, budgetBytes, embeddedFiles }: ModelFilesOptions,
): Promise<ModelFiles> => {
  await mkdir(root, { recursive: true });
  const cache = createLeaseCache<ModelDirectory>({
    budgetBytes,
    initial: await takeOver(root),
    // A directory that cannot be removed now is taken over at the next start.
    evict: (_digest, { value }) => removeDirectory(value.path).catch(() => {}),
  });

  const oneAtATime = createQueue();

  const refill = async (bundle: PublishedBundle, directory: ModelDirectory): Promise<void> => {
    const startMs = performance.now();
    const bytes = await ensureFiles(store, bundle, directory.path);
    directory.download = { bytes, ms: performance.now() - startMs };
    directory.stamp = await stampOf(bundle, directory.path);
  };

  const bring =
    (bundle: PublishedBundle): Create<ModelDirectory> =>
    async (reserve) => {
      const { name, version, digest } = bundle;
      const bytes = totalBytes(filesToLoad(bundle));
      if (bytes > budgetBytes)
        throw new ServingError(
          'INSUFFICIENT_STORAGE',
          `model ${name} version ${version} has ${formatLambdaMb(bytes)} of files, and all model files together may take ${formatLambdaMb(budgetBytes)}`,
          { operator: `give the function more ephemeral storage than ${root} has (stage parameter tmpSize)` },
        );
      await reserve(bytes);
      const directory: ModelDirectory = { path: join(root, digest), download: undefined, stamp: undefined };
      await refill(bundle, directory);
      return { value: directory, bytes };
    };

  /** Ensures that the files are right: they are hashed, and brought again if need be, when anybody has touched them. */
  const mend = async (bundle: PublishedBundle, directory: ModelDirectory): Promise<void> => {
    const stamp = await stampOf(bundle, directory.path).catch(() => undefined);
    if (stamp === undefined || stamp !== directory.stamp) await refill(bundle, directory);
  };

  return {
    journal: await openLoadJournal(root),
    use: (bundle, work) => {
      const path = embeddedFiles?.(bundle);
      if (path !== undefined) return work({ path, download: undefined, stamp: undefined });
      return cache.use(bundle.digest, bring(bundle), async (directory) => {
        await oneAtATime(() => mend(bundle, directory));
        return work(directory);
      });
    },
  };
};
