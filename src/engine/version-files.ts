import { existsSync, lstatSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allEnded } from '../core/all-ended.ts';
import { isDiskFull } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import { totalBytes } from '../core/total-bytes.ts';
import { fileKey } from '../repository/keys.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { BundleFile, PublishedBundle } from '../repository/versions/bundle.ts';
import { hashFile } from '../repository/versions/file-hash.ts';
import { download } from './download.ts';
import { partialPath } from './left-behind.ts';

/** Files that some graph of the bundle reads. */
export const graphFiles = ({ graphs, files }: PublishedBundle): BundleFile[] => {
  const needed = new Set(Object.values(graphs).flatMap(({ file, externalData }) => [file, ...externalData]));
  return files.filter(({ path }) => needed.has(path));
};

/** Files that a load needs: graphs, resources of the task, and recorded inputs. The other files are there for people and for `push`. */
export const filesToLoad = (bundle: PublishedBundle): BundleFile[] => {
  const needed = new Set([...graphFiles(bundle).map(({ path }) => path), ...bundle.resources, ...bundle.warmup.inputs]);
  return bundle.files.filter(({ path }) => needed.has(path));
};

/** Files that are brought at the same time: Lambda allows 1,024 open files and connections, and each file takes several. */
const FILES_IN_FLIGHT = 16;

const toServingError = (error: unknown, root: string): ServingError => {
  if (isDiskFull(error))
    return new ServingError('INSUFFICIENT_STORAGE', 'there is no room for the files of the model', {
      operator: `make room in ${root}, or give the deployed function more ephemeral storage (stage parameter tmpSize)`,
      cause: error,
    });
  const failure = ServingError.from(error);
  // The bundle named the object a moment ago: it was removed or replaced since. The next attempt reads the new state.
  if (failure.code === 'NOT_FOUND' || failure.code === 'CONFLICT')
    return new ServingError('MODEL_UNAVAILABLE', `the model changed while it was loaded: ${failure.message}`, {
      operator: failure.operator,
      cause: error,
    });
  return failure;
};

/** Downloads a file of the bundle into `file` and returns its sha256. @throws `MODEL_INVALID` when the object has another size */
const downloadFile = async (
  store: ObjectStore,
  key: string,
  { bytes }: BundleFile,
  file: FileHandle,
): Promise<string> => {
  try {
    return await download((start, end) => store.readBlocks(key, start, end), bytes, file);
  } catch (error) {
    // The size of the object is asked for only now: every request takes time, and the sha256 identifies the right file.
    const stored = await store.head(key).catch(() => undefined);
    if (stored === undefined || stored.sizeBytes === bytes) throw error;
    const problem = `${store.location}/${key} has ${stored.sizeBytes} bytes, its bundle says ${bytes}: push again`;
    throw new ServingError('MODEL_INVALID', problem, { cause: error });
  }
};

/**
 * Brings a file of the bundle into `directory`. A file that differs from its sha256 is brought again, once.
 * @throws `MODEL_INVALID` when it differs from its sha256 again
 */
const bringFile = async (
  store: ObjectStore,
  { name, version }: PublishedBundle,
  { path, bytes, sha256 }: BundleFile,
  directory: string,
): Promise<void> => {
  const key = fileKey(name, version, path);
  const localPath = join(directory, path);
  await mkdir(dirname(localPath), { recursive: true });
  const file = await open(localPath, 'wx+');
  try {
    const wanted = { path, bytes, sha256 };
    if ((await downloadFile(store, key, wanted, file)) === sha256) return;
    const digest = await downloadFile(store, key, wanted, file); // the first may have been damaged on its way
    if (digest === sha256) return;
    const problem = `${store.location}/${key} has sha256 ${digest}, its bundle says ${sha256}: push again`;
    throw new ServingError('MODEL_INVALID', problem);
  } finally {
    await file.close();
  }
};

/** The state of the files that a load needs, which every write of one changes. @throws errors of the file system */
export const stampOf = async (bundle: PublishedBundle, directory: string): Promise<string> => {
  const states = filesToLoad(bundle).map(async ({ path }) => {
    const { ino, size, ctimeNs } = await stat(join(directory, path), { bigint: true });
    return `${ino} ${size} ${ctimeNs}`;
  });
  return (await Promise.all(states)).join();
};

/** Tells whether every file that a load needs lies in `directory` with its size and sha256. */
export const isWhole = async (bundle: PublishedBundle, directory: string): Promise<boolean> => {
  try {
    for (const { path, bytes, sha256 } of filesToLoad(bundle)) {
      const localPath = join(directory, path);
      if ((await stat(localPath)).size !== bytes || (await hashFile(localPath)) !== sha256) return false;
    }
    return true;
  } catch {
    return false; // it is not there, or cannot be read
  }
};

/** Tells whether there is anything of that name, also a link that leads nowhere: no directory can be renamed to it. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Renames the directory before it is removed, so that it is there whole or not at all. */
export const removeDirectory = async (path: string): Promise<void> => {
  const partial = partialPath(path);
  await rename(path, partial);
  await rm(partial, { recursive: true, force: true });
};

/**
 * Ensures that the files that a load needs lie in `directory`, each equal to its sha256. Returns the number of downloaded bytes.
 * The directory appears whole; one that is there already is hashed, and replaced when it is damaged.
 *
 * @throws `MODEL_INVALID` when a file differs from its sha256; `INSUFFICIENT_STORAGE`; `MODEL_UNAVAILABLE`. Partial files are removed.
 */
export const ensureFiles = async (store: ObjectStore, bundle: PublishedBundle, directory: string): Promise<number> => {
  const partial = partialPath(directory);
  try {
    if (isThere(directory)) {
      if (await isWhole(bundle, directory)) return 0;
      await removeDirectory(directory);
    }
    const files = filesToLoad(bundle);
    // A generator ends for all its readers when one of them fails.
    const waiting = (function* () {
      yield* files;
    })();
    const bringNext = async (): Promise<void> => {
      for (const file of waiting) await bringFile(store, bundle, file, partial);
    };
    // Nothing may write any more when the directory is removed.
    await allEnded(Array.from({ length: FILES_IN_FLIGHT }, bringNext));
    await rename(partial, directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error; // losing a race to an equal directory is success
    });
    return totalBytes(files);
  } catch (error) {
    throw toServingError(error, dirname(directory));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};
