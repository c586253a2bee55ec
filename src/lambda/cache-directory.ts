import { accessSync, constants, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import { makeDirectory } from '../core/make-directory.ts';

/**
 * Makes the directory of model files, unless it is there.
 * @returns the bytes that they may take together: a share of its file system
 * @throws `INTERNAL` when files can be neither kept nor read there
 */
export const openCacheDirectory = (directory: string, share: number): number => {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const { blocks, bsize } = statfsSync(directory);
    return Math.floor(blocks * bsize * share);
  } catch (error) {
    const problem = `MODEL_CACHE_DIR is ${directory}, where no files can be kept (${errorCode(error)})`;
    const expected = 'expected a directory that this process can make, read and write';
    throw new ServingError('INTERNAL', `${problem}; ${expected}`, { cause: error });
  }
};
