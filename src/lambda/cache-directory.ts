import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import { diskBudget } from '../engine/model-files.ts';

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Makes a directory and those above it. Node's own `recursive` tries for ever in a file system that refuses with ENOENT, such as /proc. */
const makeDirectory = (path: string): void => {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isDirectory(path)) throw error; // otherwise another process was first
  }
};

/**
 * Makes the directory of model files, unless it is there.
 * @returns the bytes that they may take together: a share of its file system
 * @throws `INTERNAL` when files can be neither kept nor read there
 */
export const openCacheDirectory = (directory: string, share: number): number => {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return diskBudget(directory, share);
  } catch (error) {
    const problem = `MODEL_CACHE_DIR is ${directory}, where no files can be kept (${errorCode(error)})`;
    const expected = 'expected a directory that this process can make, read and write';
    throw new ServingError('INTERNAL', `${problem}; ${expected}`, { cause: error });
  }
};
