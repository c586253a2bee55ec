import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../core/error-code.ts';

/** Ends the name of a directory that is still being written, or removed: `<directory>.<process>.<random>.part`. */
export const PARTIAL_SUFFIX = '.part';

/** A name beside `path` for a directory that is not whole. It names this process, which alone may use it. */
export const partialPath = (path: string): string => `${path}.${process.pid}.${randomUUID()}${PARTIAL_SUFFIX}`;

/** Tells whether another process than this one runs under that number. Its files are its own. */
export const isOtherProcess = (pid: number): boolean => {
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
};

/** Removes the partial directories below `root` whose process has ended: nobody completes them, and they take room. */
export const removeLeftBehind = async (root: string): Promise<void> => {
  const names = (await readdir(root)).filter((name) => name.endsWith(PARTIAL_SUFFIX));
  const dead = names.filter((name) => !isOtherProcess(Number(name.split('.').at(-3))));
  // One that cannot be removed takes room, and nothing else.
  await Promise.all(dead.map((name) => rm(join(root, name), { recursive: true, force: true }).catch(() => {})));
};
