import { randomUUID } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { formatLambdaMb } from '../core/format-bytes.ts';
import { totalBytes } from '../core/total-bytes.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type Create, createLeaseCache, type Sized } from './lease-cache.ts';
import { ensureFiles, filesToLoad, PARTIAL_SUFFIX } from './version-files.ts';

/** The files of a version on the disk of this process. */
export interface ModelDirectory {
  readonly path: string;
  /** Size and duration of the download; undefined once it was reported, or when the files were there already. */
  download: { readonly bytes: number; readonly ms: number } | undefined;
}

export interface ModelFiles {
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
}

/** A partial directory of this age is of a process that died: a download ends long before. */
const STALE_PARTIAL_MS = 15 * 60_000;

/** A share, 0 to 1, of the file system that holds `directory`, in bytes. */
export const diskBudget = (directory: string, share: number): number => {
  mkdirSync(directory, { recursive: true });
  const { blocks, bsize } = statfsSync(directory);
  return Math.floor(blocks * bsize * share);
};

const sizeOf = async (directory: string): Promise<number> => {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = files.filter((file) => file.isFile()).map(async ({ parentPath, name }) => stat(join(parentPath, name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
};

/** Renames the directory before it is removed, so that it is there whole or not at all. */
const removeDirectory = async (path: string): Promise<void> => {
  const partial = `${path}.${randomUUID()}${PARTIAL_SUFFIX}`;
  await rename(path, partial);
  await rm(partial, { recursive: true, force: true });
};

/** The whole directories that earlier processes in this environment left, oldest first. Stale partial directories are removed. */
const takeOver = async (root: string): Promise<(readonly [string, Sized<ModelDirectory>])[]> => {
  const directories = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const found = await Promise.all(
    directories.map(async ({ name }) => ({ name, changedMs: (await stat(join(root, name))).mtimeMs })),
  );
  const partial = found.filter(({ name }) => name.endsWith(PARTIAL_SUFFIX));
  for (const { name, changedMs } of partial)
    if (Date.now() - changedMs > STALE_PARTIAL_MS) await rm(join(root, name), { recursive: true, force: true });
  const whole = found.filter(({ name }) => !name.endsWith(PARTIAL_SUFFIX)).sort((a, b) => a.changedMs - b.changedMs);
  return Promise.all(
    whole.map(async ({ name }) => {
      const path = join(root, name);
      return [name, { value: { path, download: undefined }, bytes: await sizeOf(path) }] as const;
    }),
  );
};

/** Opens the directory that keeps the files of models, one directory for each version by the digest of its bundle. */
export const openModelFiles = async (
  store: ObjectStore,
  { directory: root, budgetBytes }: ModelFilesOptions,
): Promise<ModelFiles> => {
  await mkdir(root, { recursive: true });
  const cache = createLeaseCache<ModelDirectory>({
    budgetBytes,
    initial: await takeOver(root),
    // A directory that cannot be removed now is taken over, or stale, at the next start.
    evict: (_digest, { value }) => removeDirectory(value.path).catch(() => {}),
  });

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
      const path = join(root, digest);
      const startMs = performance.now();
      const downloaded = await ensureFiles(store, bundle, path);
      return { value: { path, download: { bytes: downloaded, ms: performance.now() - startMs } }, bytes };
    };

  return { use: (bundle, work) => cache.use(bundle.digest, bring(bundle), work) };
};
