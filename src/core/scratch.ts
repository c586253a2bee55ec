import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode, isDiskFull } from './error-code.ts';
import { ServingError } from './errors.ts';
import { withTemporaryPath } from './temporary-path.ts';

/** Makes a new folder for temporary files, whose name begins with `name`. @throws `INVALID_REQUEST` where none can be made */
export const makeScratch = (name: string): string => {
  try {
    return mkdtempSync(join(tmpdir(), `${name}-`));
  } catch (error) {
    if (isDiskFull(error)) throw error;
    const problem = `no folder can be made in ${tmpdir()} (${errorCode(error)}); name another place with TMPDIR`;
    throw new ServingError('INVALID_REQUEST', problem, { cause: error });
  }
};

/** Tells whether a write found no room, or the files of a model did. */
const foundNoRoom = (error: unknown): boolean =>
  isDiskFull(error) ||
  (error instanceof ServingError && error.code === 'INSUFFICIENT_STORAGE' && isDiskFull(error.cause));

/** The error of work in the folder `name` for temporary files: `INSUFFICIENT_STORAGE` where it found no room, and any other as it is. */
export const toScratchFailure = (name: string, error: unknown): unknown => {
  if (!foundNoRoom(error)) return error;
  const problem = `the disk has no room for the files of ${name}; free some in ${tmpdir()}, or name another folder with TMPDIR`;
  return new ServingError('INSUFFICIENT_STORAGE', problem, { cause: error });
};

/**
 * Runs `use` with a new folder, which is removed after it.
 * @param name the beginning of the folder's name
 * @throws `INSUFFICIENT_STORAGE` when a write of `use` finds no room; `INVALID_REQUEST` where no folder can be made
 */
export const withScratch = async <T>(name: string, use: (folder: string) => Promise<T>): Promise<T> => {
  try {
    const folder = makeScratch(name);
    return await withTemporaryPath(folder, () => use(folder));
  } catch (error) {
    throw toScratchFailure(name, error);
  }
};
