import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDiskFull } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import { withTemporaryPath } from '../core/temporary-path.ts';

/**
 * Runs `use` with a new folder, which is removed after it.
 * @param name the beginning of the folder's name
 * @throws `INSUFFICIENT_STORAGE` when a write of `use` finds no room
 */
export const withScratch = async <T>(name: string, use: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  return withTemporaryPath(folder, () => use(folder)).catch((error: unknown) => {
    if (!isDiskFull(error)) throw error;
    const problem = `the disk has no room for the files of ${name}; free some in ${tmpdir()}, or name another folder with TMPDIR`;
    throw new ServingError('INSUFFICIENT_STORAGE', problem, { cause: error });
  });
};
