import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allEnded } from '../core/all-ended.ts';
import { errorCode } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import { totalBytes } from '../core/total-bytes.ts';
import { fileKey } from '../repository/keys.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { BundleFile, PublishedBundle } from '../repository/versions/bundle.ts';
import { download } from './download.ts';

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

/** Ends the name of a directory that is still being written, or removed. */
export const PARTIAL_SUFFIX = '.part';

/** Codes of the file system for a disk without room. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const toServingError = (error: unknown, root: string): ServingError => {
  if (NO_ROOM.has(errorCode(error) ?? ''))
    return new ServingError('INSUFFICIENT_STORAGE', 'there is no room for the files of the model', {
      operator: `give the function more ephemeral storage than ${root} has (stage parameter tmpSize)`,
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

/** Downloads a file of the bundle into `directory`. @throws `MODEL_INVALID` when it differs from its sha256 */
const bringFile = async (
  store: ObjectStore,
  { name, version }: PublishedBundle,
  { path, bytes, sha256 }: BundleFile,
  directory: string,
): Promise<void> => {
  const key = fileKey(name, version, path);
  const origin = `${store.location}/${key}`;
  const localPath = join(directory, path);
  await mkdir(dirname(localPath), { recursive: true });
  const file = await open(localPath, 'wx+');
  try {
    const read = (start: number, end: number) => store.readRange(key, start, end);
    const digest = await download(read, bytes, file).catch(async (error: unknown) => {
      // The size of the object is asked for only now: every request takes time, and the sha256 identifies the right file.
      const stored = await store.head(key).catch(() => undefined);
      if (stored === undefined || stored.sizeBytes === bytes) throw error;
      const problem = `${origin} has ${stored.sizeBytes} bytes, its bundle says ${bytes}: push again`;
      throw new ServingError('MODEL_INVALID', problem, { cause: error });
    });
    if (digest !== sha256) {
      const problem = `${origin} has sha256 ${digest}, its bundle says ${sha256}: push again`;
      throw new ServingError('MODEL_INVALID', problem);
    }
  } finally {
    await file.close();
  }
};

/**
 * Ensures that the files that a load needs lie in `directory`, each equal to its sha256. Returns the number of downloaded bytes.
 * The directory appears whole, so that its existence is the proof: nothing is locked or hashed again when it is there.
 *
 * @throws `MODEL_INVALID` when a file differs from its sha256; `INSUFFICIENT_STORAGE`; `MODEL_UNAVAILABLE`. Partial files are removed.
 */
export const ensureFiles = async (store: ObjectStore, bundle: PublishedBundle, directory: string): Promise<number> => {
  if (existsSync(directory)) return 0;
  const partial = `${directory}.${randomUUID()}${PARTIAL_SUFFIX}`;
  try {
    const files = filesToLoad(bundle);
    // Nothing may write any more when the directory is removed.
    await allEnded(files.map((file) => bringFile(store, bundle, file, partial)));
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
