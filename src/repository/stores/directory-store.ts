import { createReadStream, type Dirent } from 'node:fs';
import { copyFile, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import { ServingError } from '../../core/errors.ts';
import { assertUnchanged, hashFile } from '../versions/file-hash.ts';
import {
  assertSize,
  type ListedObject,
  missingObject,
  replacedObject,
  type StoredObject,
  type UploadingStore,
  type WriteOptions,
} from './object-store.ts';
import { inspectFile, PRIVATE_SUFFIX, readMetadata, removeFile, replaceFile } from './stored-file.ts';

/** Codes of the file system for a path at which there is no file. */
const MISSING = new Set(['ENOENT', 'EISDIR', 'ENOTDIR']);
const isMissing = (error: unknown): boolean => MISSING.has(errorCode(error) ?? '');

const pathOf = (base: string, key: string): string => {
  const path = resolve(base, key);
  if (!path.startsWith(base + sep)) throw new ServingError('INVALID_REQUEST', `key ${key} leaves the store`);
  return path;
};

/** The entries of a folder; none where there is no folder. A folder that cannot be read is not empty. */
const entriesOf = async (base: string, folder: string, recursive: boolean): Promise<Dirent[]> => {
  try {
    return await readdir(folder, { recursive, withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw toServingError(error, base, relative(base, folder));
  }
};

const toServingError = (error: unknown, base: string, key: string): ServingError => {
  if (error instanceof ServingError) return error;
  if (isMissing(error)) return missingObject(base, key, error);
  return new ServingError('MODEL_UNAVAILABLE', `${join(base, key)}: ${String(error)}`, { cause: error });
};

const readObject = async (base: string, key: string, maxBytes = Number.POSITIVE_INFINITY): Promise<StoredObject> => {
  const path = pathOf(base, key);
  const { sizeBytes, etag } = await inspectFile(path);
  assertSize(key, sizeBytes, maxBytes);
  return { key, sizeBytes, etag, body: await readFile(path), contentType: undefined };
};

const openRange = (path: string, start: number, end: number): AsyncIterable<Uint8Array> =>
  createReadStream(path, { start, end: end - 1 });

/** @throws `CONFLICT` when the condition does not hold */
const putObject = async (
  base: string,
  key: string,
  fill: (temporary: string) => Promise<void>,
  options?: WriteOptions,
): Promise<string> => {
  const etag = await replaceFile(pathOf(base, key), fill, options);
  if (etag === undefined) throw replacedObject(base, key);
  return etag;
};

const listObjects = async function* (base: string, prefix: string, after = ''): AsyncIterable<ListedObject> {
  const folder = resolve(base, prefix.slice(0, prefix.lastIndexOf('/') + 1));
  const entries = await entriesOf(base, folder, true);
  const isBehind = (key: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0;
  const keys = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(PRIVATE_SUFFIX))
    .map(({ parentPath, name }) => relative(base, join(parentPath, name)).split(sep).join('/'))
    .filter((key) => key.startsWith(prefix) && isBehind(key))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const key of keys) yield { key, ...(await inspectFile(join(base, key))) };
};

/** Removes empty folders from `folder` up to the store: a folder exists as long as it holds an object, as on S3. */
const removeEmptyFolders = async (base: string, folder: string): Promise<void> => {
  for (let empty = folder; empty !== base; empty = dirname(empty)) {
    const removed = await rmdir(empty).then(
      () => true,
      () => false, // rmdir refuses a folder that is not empty
    );
    if (!removed) return;
  }
};

async function* readObjectRange(
  base: string,
  key: string,
  start: number,
  end: number,
  etag: string | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    const path = pathOf(base, key);
    if (etag !== undefined && (await inspectFile(path)).etag !== etag) throw replacedObject(base, key);
    yield* openRange(path, start, end);
  } catch (error) {
    throw toServingError(error, base, key);
  }
}

async function* listFolders(base: string, prefix: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(base, resolve(base, prefix), false)) if (entry.isDirectory()) yield entry.name;
}

/**
 * A store in a directory, for the command line and for tests; the path of a file is its key.
 * Every write is a rename, so that no reader sees half of an object.
 */
export const createDirectoryStore = (root: string): UploadingStore => {
  const base = resolve(root);

  const attempt = async <T>(key: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw toServingError(error, base, key);
    }
  };

  return {
    location: base,

    head: (key) =>
      attempt(key, async () => {
        const path = pathOf(base, key);
        const { sizeBytes, etag } = await inspectFile(path);
        return { key, sizeBytes, etag, metadata: await readMetadata(path, etag) };
      }),

    read: (key, maxBytes) => attempt(key, () => readObject(base, key, maxBytes)),

    readChanged: (key, etag, maxBytes) =>
      attempt(key, async () => {
        const isUnchanged = (await inspectFile(pathOf(base, key))).etag === etag;
        return isUnchanged ? undefined : readObject(base, key, maxBytes);
      }),

    readRange: (key, start, end, etag) => readObjectRange(base, key, start, end, etag),
    readBlocks: (key, start, end) => readObjectRange(base, key, start, end, undefined),

    write: (key, body, options) =>
      attempt(key, () => putObject(base, key, (temporary) => writeFile(temporary, body), options)),

    upload: (key, path, { sha256, onProgress }) =>
      attempt(key, async () => {
        await putObject(base, key, async (temporary) => {
          await copyFile(path, temporary);
          assertUnchanged(path, await hashFile(temporary), sha256);
        });
        onProgress?.((await stat(path)).size);
      }),

    list: (prefix, after) => listObjects(base, prefix, after),

    folders: (prefix) => listFolders(base, prefix),

    remove: (key) =>
      attempt(key, async () => {
        const path = pathOf(base, key);
        await removeFile(path);
        await removeEmptyFolders(base, dirname(path));
      }),
  };
};
