import { randomUUID } from 'node:crypto';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allEnded } from '../core/all-ended.ts';
import { ServingError } from '../core/errors.ts';
import { fileKey } from '../repository/keys.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { BundleFile, PublishedBundle } from '../repository/versions/bundle.ts';
import { download } from './download.ts';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Files that some graph of the bundle reads. */
export const graphFiles = ({ graphs, files }: PublishedBundle): BundleFile[] => {
  const needed = new Set(Object.values(graphs).flatMap(({ file, externalData }) => [file, ...externalData]));
  return files.filter(({ path }) => needed.has(path));
};

/** Files that loading the bundle needs: graphs, what the task reads, and recorded inputs. The rest is there for people and for `push`. */
export const artefacts = (bundle: PublishedBundle): BundleFile[] => {
  const needed = new Set([...graphFiles(bundle).map(({ path }) => path), ...bundle.resources, ...bundle.warmup.inputs]);
  return bundle.files.filter(({ path }) => needed.has(path));
};

export const totalBytes = (files: readonly BundleFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Ends the name of what is still being written, or removed. */
export const PARTIAL_SUFFIX = '.part';

const toServingError = (error: unknown, root: string): ServingError => {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new ServingError(
      'INSUFFICIENT_STORAGE',
      `no room for the model in ${root}; give the function more ephemeral storage (stage parameter tmpSize)`,
      { cause: error },
    );
  const failure = ServingError.from(error);
  // The bundle named the object a moment ago: it was removed or replaced since. Trying again reads the new state.
  if (failure.code === 'NOT_FOUND' || failure.code === 'CONFLICT')
    return new ServingError('MODEL_UNAVAILABLE', `the model changed while it was loaded: ${failure.message}`, {
      cause: error,
    });
  return failure;
};

/**
 * Ensures that the `artefacts` of `bundle` lie in `directory`, each equal to its sha256. Returns the bytes that had to be downloaded.
 * The directory appears whole, so that its existence is the proof: nothing is locked or hashed again when it is there.
 *
 * @throws `MODEL_INVALID` when a file differs from its sha256; `INSUFFICIENT_STORAGE`; `MODEL_UNAVAILABLE`. Partial files are removed.
 */
export const ensureArtefacts = async (
  store: ObjectStore,
  bundle: PublishedBundle,
  directory: string,
): Promise<number> => {
  if (await exists(directory)) return 0;
  const partial = `${directory}.${randomUUID()}${PARTIAL_SUFFIX}`;

  const bring = async ({ path, bytes, sha256 }: BundleFile): Promise<void> => {
    const key = fileKey(bundle.name, bundle.version, path);
    const origin = `${store.location}/${key}`;
    const localPath = join(partial, path);
    await mkdir(dirname(localPath), { recursive: true });
    const target = await open(localPath, 'wx+');
    try {
      const read = (start: number, end: number) => store.readRange(key, start, end);
      const digest = await download(read, bytes, target).catch(async (error: unknown) => {
        // What is stored is asked for only now: every request is time, and its sha256 tells the right file.
        const stored = await store.head(key).catch(() => undefined);
        if (stored === undefined || stored.sizeBytes === bytes) throw error;
        const problem = `${origin} has ${stored.sizeBytes} bytes, its bundle says ${bytes}: push again`;
        throw new ServingError('MODEL_INVALID', problem, { cause: error });
      });
      if (digest !== sha256)
        throw new ServingError(
          'MODEL_INVALID',
          `${origin} has sha256 ${digest}, its bundle says ${sha256}: push again`,
        );
    } finally {
      await target.close();
    }
  };

  try {
    const files = artefacts(bundle);
    await allEnded(files.map(bring)); // nothing may write once the directory is removed
    await rename(partial, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error; // losing a race to an equal directory is success
    });
    return totalBytes(files);
  } catch (error) {
    throw toServingError(error, dirname(directory));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};
