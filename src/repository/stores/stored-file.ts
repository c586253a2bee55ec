import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { errorCode } from '../../core/error-code.ts';
import { makeDirectoryOf } from '../../core/make-directory.ts';
import { withTemporaryPath } from '../../core/temporary-path.ts';
import type { ObjectMetadata, WriteOptions } from './object-store.ts';

/** Ends the names of files that are no objects: files that are being written, locks, and metadata. */
export const PRIVATE_SUFFIX = '.private';
/** The process that left an older lock has died. */
const STALE_LOCK_MS = 5_000;
const LOCK_POLL_MS = 5;

/** The state of a file that is an object. */
export interface FileState {
  readonly sizeBytes: number;
  /** Every write makes a new inode, so that no two contents share an etag. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** @throws errors of the file system, `EISDIR` for a directory among them */
export const inspectFile = async (path: string): Promise<FileState> => {
  const found = await stat(path, { bigint: true });
  if (!found.isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EISDIR' });
  const { size, ino, mtimeNs, mtimeMs } = found;
  return { sizeBytes: Number(size), etag: `"${ino}-${mtimeNs}-${size}"`, modifiedMs: Number(mtimeMs) };
};

const metadataPath = (path: string): string => `${path}.metadata${PRIVATE_SUFFIX}`;

const metadataFile = v.object({ etag: v.string(), metadata: v.record(v.string(), v.string()) });

/** The metadata that was written with the file of that etag; empty when there is none, or another write has replaced it. */
export const readMetadata = async (path: string, etag: string): Promise<ObjectMetadata> => {
  try {
    const parsed = v.parse(metadataFile, JSON.parse(await readFile(metadataPath(path), 'utf8')));
    return parsed.etag === etag ? parsed.metadata : {};
  } catch {
    return {};
  }
};

export const removeFile = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await rm(metadataPath(path), { force: true });
};

/** Waits for the lock of another writer, and removes it when it is stale. */
const waitForLock = async (lock: string): Promise<void> => {
  const ageMs = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (ageMs > STALE_LOCK_MS) await rm(lock, { force: true });
  else await new Promise((wake) => setTimeout(wake, LOCK_POLL_MS));
};

/** Holds the lock of `path`, which excludes other processes too, while `run` compares and replaces. */
const locked = async <T>(path: string, run: () => Promise<T>): Promise<T> => {
  const lock = `${path}.lock${PRIVATE_SUFFIX}`;
  for (;;) {
    try {
      await (await open(lock, 'wx')).close();
      break;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      await waitForLock(lock);
    }
  }
  return withTemporaryPath(lock, run);
};

/**
 * Replaces the file at `path` by the one that `fill` writes at the path it is given, whole or not at all.
 * Returns the etag, or undefined when the condition does not hold.
 * @throws errors of `fill` and of the file system: `ENOENT` when `ifMatch` finds no file
 */
export const replaceFile = async (
  path: string,
  fill: (temporary: string) => Promise<void>,
  { condition, metadata }: Pick<WriteOptions, 'condition' | 'metadata'> = {},
): Promise<string | undefined> => {
  const temporary = `${path}.${randomUUID()}${PRIVATE_SUFFIX}`;
  makeDirectoryOf(path);
  return withTemporaryPath(temporary, async () => {
    await fill(temporary);
    return locked(path, async () => {
      if (condition && 'ifMatch' in condition && (await inspectFile(path)).etag !== condition.ifMatch) return undefined;
      if (condition && 'ifNoneMatch' in condition) await link(temporary, path);
      else await rename(temporary, path);
      const { etag } = await inspectFile(path);
      if (metadata) await writeFile(metadataPath(path), JSON.stringify({ etag, metadata }));
      else await rm(metadataPath(path), { force: true });
      return etag;
    });
  }).catch((error: unknown) => {
    if (errorCode(error) === 'EEXIST') return undefined;
    throw error;
  });
};
