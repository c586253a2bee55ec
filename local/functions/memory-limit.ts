import { watchMemory } from '../../src/authoring/process-memory.ts';

const MEBIBYTE = 2 ** 20;
/** Node runs the sources here, with their types stripped and their packages whole; on Lambda it runs a bundle. */
const ALLOWANCE_BYTES = 64 * MEBIBYTE;
const POLL_MS = process.platform === 'linux' ? 100 : 1_000;

/**
 * Calls `onExceeded` once, when the process takes more memory than its limit and an allowance for the difference between this machine
 * and Lambda. Memory is looked at ten times a second on Linux, and once a second elsewhere: a shorter peak passes.
 * @returns a function that ends the watch
 */
export const watchMemoryLimit = (pid: number, limitMb: number, onExceeded: (usedMb: number) => void): (() => void) =>
  watchMemory(pid, limitMb * MEBIBYTE + ALLOWANCE_BYTES, POLL_MS, (usedBytes) =>
    onExceeded(Math.round(usedBytes / MEBIBYTE)),
  );
