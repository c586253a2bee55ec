import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ServingError } from '../../core/errors.ts';
import { assertUnchanged, hashFile } from '../versions/file-hash.ts';
import type { ObjectInfo, StoredObject, UploadingStore, WriteOptions } from './object-store.ts';

/** Files being written, and locks: no part of the store. */
const PRIVATE_SUFFIX = '.private';
/** A lock this old was left by a process that died. */
const STALE_LOCK_MS = 5_000;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A store in a directory, for the command line and for tests; the path of a file is its key. Every write is a rename, so that no reader sees half of one. */
export const createDirectoryStore = (root: string): UploadingStore => {
  const base = resolve(root);

  const pathOf = (key: string): string => {
    const path = resolve(base, key);
    if (!path.startsWith(base + sep)) throw new ServingError('INVALID_REQUEST', `key ${key} leaves the store`);
    return path;
  };

  const failure = (error: unknown, key: string): ServingError => {
    if (error instanceof ServingError) return error;
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR')
      return new ServingError('NOT_FOUND', `${join(base, key)} does not exist`, { cause: error });
    return new ServingError('MODEL_UNAVAILABLE', `${join(base, key)}: ${String(error)}`, { cause: error });
  };

  const attempt = async <T>(key: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw failure(error, key);
    }
  };

  const head = async (key: string): Promise<ObjectInfo> => {
    const found = await stat(pathOf(key), { bigint: true });
    if (!found.isFile()) throw new ServingError('NOT_FOUND', `${join(base, key)} is no file`);
    // Every write makes a new inode, so that no two contents share this.
    return { key, sizeBytes: Number(found.size), etag: `"${found.ino}-${found.mtimeNs}-${found.size}"` };
  };

  const read = async (key: string, maxBytes = Number.POSITIVE_INFINITY): Promise<StoredObject> => {
    const info = await head(key);
    if (info.sizeBytes > maxBytes) {
      const problem = `${key} has ${info.sizeBytes} bytes, at most ${maxBytes} are read`;
      throw new ServingError('PAYLOAD_TOO_LARGE', problem);
    }
    return { ...info, body: await readFile(pathOf(key)), contentType: undefined };
  };

  const conflict = (key: string, error?: unknown): ServingError =>
    new ServingError('CONFLICT', `${join(base, key)} was written by someone else`, { cause: error });

  /** Holds `<path>.lock` while `run` compares and replaces; between processes too. */
  const locked = async <T>(path: string, run: () => Promise<T>): Promise<T> => {
    const lock = `${path}.lock${PRIVATE_SUFFIX}`;
    for (;;) {
      try {
        await (await open(lock, 'wx')).close();
        break;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        const age = await stat(lock).then(
          (found) => Date.now() - found.mtimeMs,
          () => 0,
        );
        if (age > STALE_LOCK_MS) await rm(lock, { force: true });
        else await new Promise((wake) => setTimeout(wake, 5));
      }
    }
    try {
      return await run();
    } finally {
      await rm(lock, { force: true });
    }
  };

  /** Puts what `fill` writes under `key`, whole or not at all. */
  const put = async (key: string, fill: (temporary: string) => Promise<void>, { condition }: WriteOptions = {}) => {
    const path = pathOf(key);
    const temporary = `${path}.${randomUUID()}${PRIVATE_SUFFIX}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await fill(temporary);
      await locked(path, async () => {
        if (condition && 'ifMatch' in condition && (await head(key)).etag !== condition.ifMatch) throw conflict(key);
        if (condition && 'ifNoneMatch' in condition) await link(temporary, path);
        else await rename(temporary, path);
      });
      return (await head(key)).etag;
    } catch (error) {
      throw codeOf(error) === 'EEXIST' ? conflict(key, error) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  };

  return {
    location: base,
    head: (key) => attempt(key, () => head(key)),

    read: (key, maxBytes) => attempt(key, () => read(key, maxBytes)),

    readChanged: (key, etag) => attempt(key, async () => ((await head(key)).etag === etag ? undefined : read(key))),

    async *readRange(key, start, end, etag) {
      try {
        if (etag !== undefined && (await head(key)).etag !== etag) throw conflict(key);
        for await (const chunk of createReadStream(pathOf(key), { start, end: end - 1 })) yield chunk as Uint8Array;
      } catch (error) {
        throw failure(error, key);
      }
    },

    write: (key, body, options) => attempt(key, () => put(key, (temporary) => writeFile(temporary, body), options)),

    upload: (key, path, { sha256, onProgress }) =>
      attempt(key, async () => {
        await put(key, async (temporary) => {
          await copyFile(path, temporary);
          assertUnchanged(path, await hashFile(temporary), sha256);
        });
        onProgress?.((await stat(path)).size);
      }),

    async *list(prefix) {
      const folder = resolve(base, prefix.slice(0, prefix.lastIndexOf('/') + 1));
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        const key = relative(base, join(entry.parentPath, entry.name)).split(sep).join('/');
        if (entry.isFile() && !key.endsWith(PRIVATE_SUFFIX) && key.startsWith(prefix))
          yield { ...(await head(key)), modifiedMs: (await stat(pathOf(key))).mtimeMs };
      }
    },

    async *folders(prefix) {
      const entries = await readdir(resolve(base, prefix), { withFileTypes: true }).catch(() => []);
      for (const entry of entries) if (entry.isDirectory()) yield entry.name;
    },

    remove: (key) =>
      attempt(key, async () => {
        await rm(pathOf(key), { force: true });
        // A folder exists as long as a key lies below it, as on S3; rmdir refuses the first one that is not empty.
        let folder = dirname(pathOf(key));
        while (
          folder !== base &&
          (await rmdir(folder).then(
            () => true,
            () => false,
          ))
        )
          folder = dirname(folder);
      }),
  };
};
