import { randomUUID } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { artefacts, ensureArtefacts, PARTIAL_SUFFIX, totalBytes } from './artefacts.ts';
import { type Create, createLeaseCache, type Sized } from './lease-cache.ts';

/** The files of a version on this machine. */
export interface ModelDirectory {
  readonly path: string;
  /** What bringing them took; undefined once it was reported, or when they were there already. */
  download: { readonly bytes: number; readonly ms: number } | undefined;
}

export interface ModelFiles {
  /**
   * Runs `work` with the files of `bundle`, which stay until it ends. Others, least recently used first, make room for them.
   * A file that a session maps may be removed: its room comes back when the session is released.
   * @throws `INSUFFICIENT_STORAGE` before the download when they can never fit; otherwise as `ensureArtefacts`
   */
  use<Result>(bundle: PublishedBundle, work: (directory: ModelDirectory) => Promise<Result>): Promise<Result>;
}

export interface ModelFilesOptions {
  readonly directory: string;
  /** What the files of all models may take together. */
  readonly budgetBytes: number;
}

/** A download ends long before; its process died. */
const STALE_PARTIAL_MS = 15 * 60_000;

/** As Lambda counts memory and storage. */
const MB = 1024 * 1024;
export const inMb = (bytes: number): string => `${(bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0)} MB`;

/** `share` of the file system that holds `directory`, in bytes. */
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

/** Renamed first, so that the directory is there whole or not at all. */
const removeDirectory = async (path: string): Promise<void> => {
  const partial = `${path}.${randomUUID()}${PARTIAL_SUFFIX}`;
  await rename(path, partial);
  await rm(partial, { recursive: true, force: true });
};

/** What an earlier process in this environment left: whole directories, oldest first. Partial ones are removed once they are stale. */
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
    // What cannot be removed now is stale at the next start.
    evict: (_digest, { value }) => removeDirectory(value.path).catch(() => {}),
  });

  const bring =
    (bundle: PublishedBundle): Create<ModelDirectory> =>
    async (reserve) => {
      const { name, version, digest } = bundle;
      const bytes = totalBytes(artefacts(bundle));
      if (bytes > budgetBytes)
        throw new ServingError(
          'INSUFFICIENT_STORAGE',
          `model ${name} version ${version} has ${inMb(bytes)} of files, and all model files together may take ${inMb(budgetBytes)} of ${root}; give the function more ephemeral storage (stage parameter tmpSize)`,
        );
      await reserve(bytes);
      const path = join(root, digest);
      const startMs = performance.now();
      const downloaded = await ensureArtefacts(store, bundle, path);
      return { value: { path, download: { bytes: downloaded, ms: performance.now() - startMs } }, bytes };
    };

  return { use: (bundle, work) => cache.use(bundle.digest, bring(bundle), work) };
};
