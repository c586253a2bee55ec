import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

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
 * The largest memory that this process has had, in bytes. On Linux, `resourceUsage` would not do: it counts the memory of the process
 * that this one was forked from, until the fork loaded its own program.
 */
export const peakMemory = (): number => {
  const [, kibibytes] =
    process.platform === 'linux' ? (/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []) : [];
  return Number(kibibytes ?? process.resourceUsage().maxRSS) * 1024;
};

/**
 * Calls `onExceeded` once, when the process takes more memory than `limitBytes`. A peak that is shorter than `pollMs` passes.
 * @returns a function that ends the watch
 */
export const watchMemory = (
  pid: number,
  limitBytes: number,
  pollMs: number,
  onExceeded: (usedBytes: number) => void,
): (() => void) => {
  let isWatching = true;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    // A process that has just ended takes none.
    const usedBytes = await readMemory(pid).catch(() => 0);
    if (!isWatching) return;
    if (usedBytes > limitBytes) onExceeded(usedBytes);
    else timer = setTimeout(look, pollMs);
  };
  timer = setTimeout(look, pollMs);
  return () => {
    isWatching = false;
    clearTimeout(timer);
  };
};
