import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './error-code.ts';
import { ServingError } from './errors.ts';

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Makes a directory and those above it. Node's own `recursive` tries for ever in a file system that refuses with ENOENT, such as /proc.
 * @param path an absolute path, or one in the working directory
 */
export const makeDirectory = (path: string): void => {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isDirectory(path)) throw error; // otherwise another process was first
  }
};

/** Makes the directory of a file. @throws `INVALID_REQUEST` that names the file, where it cannot be made */
export const makeDirectoryOf = (file: string): void => {
  try {
    makeDirectory(dirname(file));
  } catch (error) {
    const problem = `${file} cannot be written: its folder cannot be made (${errorCode(error)}); name another place`;
    throw new ServingError('INVALID_REQUEST', problem, { cause: error });
  }
};
