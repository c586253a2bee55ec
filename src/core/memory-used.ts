import { lately } from './lately.ts';

/** Bytes of memory that this process has, pages of mapped files included; at most 100 ms old. */
export const memoryUsed = lately(() => process.memoryUsage.rss());
