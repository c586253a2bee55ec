import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const MEBIBYTE = 2 ** 20;
/** Node runs the sources here, with their types stripped and their packages whole; on Lambda it runs a bundle. */
const ALLOWANCE_BYTES = 64 * MEBIBYTE;
const POLL_MS = process.platform === 'linux' ? 100 : 1_000;

/** Reads the memory that only the end of the process gives back. Pages of mapped files do not count: Linux drops them when it must. */
const readLinux = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map(([, size]) => Number(size));
  return kibibytes.reduce((total, size) => total + size * 1024, 0);
};

/** Reads all memory of the process, since `ps` tells no kinds of it apart. */
const readElsewhere = async (pid: number): Promise<number> => {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
};

const readMemory = process.platform === 'linux' ? readLinux : readElsewhere;

/**
 * Calls `onExceeded` once, when the process takes more memory than its limit and an allowance for the difference between this machine
 * and Lambda. Memory is looked at ten times a second on Linux, and once a second elsewhere: a shorter peak passes.
 * @returns a function that ends the watch
 */
export const watchMemory = (pid: number, limitMb: number, onExceeded: (usedMb: number) => void): (() => void) => {
  const limitBytes = limitMb * MEBIBYTE + ALLOWANCE_BYTES;
  let isWatching = true;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    // A process that has just ended takes none.
    const usedBytes = await readMemory(pid).catch(() => 0);
    if (!isWatching) return;
    if (usedBytes > limitBytes) onExceeded(Math.round(usedBytes / MEBIBYTE));
    else timer = setTimeout(look, POLL_MS);
  };
  timer = setTimeout(look, POLL_MS);
  return () => {
    isWatching = false;
    clearTimeout(timer);
  };
};
