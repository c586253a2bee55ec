import type { Profile, ThreadProfile } from '../../src/advise/profile.ts';

const MIB = 1024 * 1024;
const same = (ms: number) => ({ p50: ms, p95: ms, mean: ms });

/** A version that takes `cpuMs` of CPU time, of which `mainMs` in the thread of Node. */
export const profileThreads = (threads: number, cpuMs: number, mainMs: number): ThreadProfile => ({
  threads,
  cpuMs: same(cpuMs),
  mainMs: same(mainMs),
  createMs: 50,
  firstMs: 20,
  baseBytes: 70 * MIB,
  peakBytes: 200 * MIB,
});

/** A version of 7.5 MB with 100 ms of CPU time, of which two threads take half each. */
export const PROFILE: Profile = {
  version: 1,
  description: 'original',
  downloadBytes: 7_500_000,
  downloadMs: 10,
  runs: 20,
  threads: [profileThreads(1, 100, 100), profileThreads(2, 110, 60)],
};
