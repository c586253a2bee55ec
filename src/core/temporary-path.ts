import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';

/** Paths that are in use now. */
const temporaryPaths = new Set<string>();

const removeAll = (): void => {
  for (const path of temporaryPaths) rmSync(path, { recursive: true, force: true });
};

/** Runs `use`, and removes the file or folder at `path` after it, or when the process exits meanwhile. A path that moved is gone already. */
export const withTemporaryPath = async <T>(path: string, use: () => Promise<T>): Promise<T> => {
  if (temporaryPaths.size === 0) process.once('exit', removeAll);
  temporaryPaths.add(path);
  try {
    return await use();
  } finally {
    await rm(path, { recursive: true, force: true });
    temporaryPaths.delete(path);
    if (temporaryPaths.size === 0) process.off('exit', removeAll);
  }
};
