/** The middle, the 95th percentile and the mean of a measured value, in milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly mean: number;
}

/** A version that was measured on this computer with one number of threads. */
export interface ThreadProfile {
  readonly threads: number;
  /** CPU time of a request, of all threads together. */
  readonly cpuMs: Spread;
  /** The part of it that the thread of Node takes: a request cannot be faster. */
  readonly mainMs: Spread;
  /** CPU time for the creation of the sessions and the load of the task. */
  readonly createMs: number;
  /** CPU time of the first request. */
  readonly firstMs: number;
  /** Memory of the process before the load, and at its peak. */
  readonly baseBytes: number;
  readonly peakBytes: number;
}

/** A version that was measured on this computer. */
export interface Profile {
  readonly version: number;
  /** For people: `original`, or `int8-dynamic of version 1`. */
  readonly description: string;
  /** Bytes that a function downloads, and the CPU time for their check and for writing them. */
  readonly downloadBytes: number;
  readonly downloadMs: number;
  /** Runs that the times are taken from. */
  readonly runs: number;
  /** In ascending order of the threads, from 1. */
  readonly threads: readonly ThreadProfile[];
}

/** The architectures of Lambda. */
export const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The architecture of this computer. */
export const thisArchitecture = (): Architecture => (process.arch === 'arm64' ? 'arm64' : 'x86_64');
