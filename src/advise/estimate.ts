import { neededMemoryMb } from '../authoring/memory-need.ts';
import { HTTP_API_TIMEOUT_MS, LAMBDA_MB_PER_VCPU, LAMBDA_MOST_MEMORY_MB } from '../core/aws-limits.ts';
import type { Prices } from './prices.ts';
import { ARCHITECTURES, type Architecture, type Profile, type Spread, type ThreadProfile } from './profile.ts';

/** A version on a function of one size. */
export interface Estimate {
  readonly version: number;
  readonly architecture: Architecture;
  readonly memoryMb: number;
  readonly threads: number;
  /** Latency of a request to a warm function. */
  readonly latencyMs: Spread;
  /** Latency of the first request to a new execution environment. */
  readonly coldMs: number;
  /** US dollars of a million requests to a warm function: its time, and the requests themselves. */
  readonly dollarsPerMillion: number;
  /** Why the function cannot serve the version. */
  readonly problem?: string;
  /** Why the times are no measurement: nobody ran this architecture, or so many threads. */
  readonly unmeasured?: string;
}

/** The memory sizes that are computed, in MB: steps of 256, and those at which a function gets one more vCPU. */
export const MEMORY_SIZES: readonly number[] = [
  ...Array.from({ length: (LAMBDA_MOST_MEMORY_MB - 512) / 256 + 1 }, (_, step) => 512 + 256 * step),
  ...Array.from(
    { length: Math.floor(LAMBDA_MOST_MEMORY_MB / LAMBDA_MB_PER_VCPU) },
    (_, whole) => LAMBDA_MB_PER_VCPU * (whole + 1),
  ),
].sort((a, b) => a - b);

/**
 * Milliseconds from the start of the process to the download of a model: Node, the bundle, the SDK, onnxruntime and sharp. The cold start of the
 * packaged `infer` in docs/performance.md, without the load and the run of its model. Lambda gives an init one vCPU whatever the memory.
 */
export const START_MS = 180;

/** CPU time of a request from the event to the response, besides its task: the bar of warm.tabular_overhead_us in docs/performance.md. */
export const REQUEST_MS = 0.25;

/** Bytes that a function receives in a millisecond. No document of AWS promises a rate; 600 Mbit/s is what its users measure. */
export const DOWNLOAD_BYTES_PER_MS = 75_000;

/** The profile that a function of this size comes closest to. The engine takes a thread for each whole vCPU. */
const profileFor = ({ threads }: Profile, wanted: number): ThreadProfile => {
  const [first, ...more] = threads;
  if (first === undefined) throw new RangeError('a profile has measured at least one number of threads');
  return more.findLast((profile) => profile.threads <= wanted) ?? first;
};

const mapSpread = ({ p50, p95, mean }: Spread, change: (ms: number, key: keyof Spread) => number): Spread => ({
  p50: change(p50, 'p50'),
  p95: change(p95, 'p95'),
  mean: change(mean, 'mean'),
});

/** The milliseconds that Lambda bills for a request, which it rounds up: half a millisecond more on average. */
export const billedMs = (meanMs: number): number => Math.max(1, meanMs + 0.5);

/** US dollars of a million requests that take `meanMs` each. */
export const lambdaDollars = (prices: Prices, architecture: Architecture, memoryMb: number, meanMs: number): number =>
  prices('lambda.requests') + 1000 * billedMs(meanMs) * (memoryMb / 1024) * prices(`lambda.${architecture}`);

const problemOf = (profile: ThreadProfile, memoryMb: number, coldMs: number): string | undefined => {
  const needed = neededMemoryMb(profile);
  if (needed > memoryMb) return `needs ${needed} MB`;
  return coldMs > HTTP_API_TIMEOUT_MS
    ? `its first answer takes longer than ${HTTP_API_TIMEOUT_MS / 1000} s`
    : undefined;
};

/**
 * The latency and the price of a version on a function of `memoryMb`. A function has memoryMb / 1,769 vCPUs: a request takes its CPU time over that
 * share, and never less than the thread of Node takes.
 */
export const estimate = (
  profile: Profile,
  memoryMb: number,
  architecture: Architecture,
  { prices, measured }: { readonly prices: Prices; readonly measured: Architecture },
): Estimate => {
  const share = memoryMb / LAMBDA_MB_PER_VCPU;
  const threads = Math.max(1, Math.floor(share));
  const ran = profileFor(profile, threads);
  const latencyMs = mapSpread(ran.cpuMs, (ms, key) =>
    Math.max((ms + REQUEST_MS) / share, ran.mainMs[key] + REQUEST_MS),
  );
  const { downloadBytes, downloadMs } = profile;
  const alone = Math.min(1, share); // one thread does these
  const coldMs =
    START_MS +
    Math.max(downloadBytes / DOWNLOAD_BYTES_PER_MS, downloadMs / share) +
    (ran.createMs + ran.firstMs) / alone;
  const problem = problemOf(ran, memoryMb, coldMs);
  const unmeasured =
    architecture !== measured
      ? 'as fast as here'
      : ran.threads < threads
        ? `as fast as ${ran.threads} threads`
        : undefined;
  return {
    ...{ version: profile.version, architecture, memoryMb, threads, latencyMs, coldMs },
    dollarsPerMillion: lambdaDollars(prices, architecture, memoryMb, latencyMs.mean),
    ...(problem !== undefined && { problem }),
    ...(unmeasured !== undefined && { unmeasured }),
  };
};

/** Every version on every size and both architectures. */
export const estimateAll = (
  profiles: readonly Profile[],
  options: { readonly prices: Prices; readonly measured: Architecture },
): Estimate[] =>
  profiles.flatMap((profile) =>
    ARCHITECTURES.flatMap((architecture) =>
      MEMORY_SIZES.map((memoryMb) => estimate(profile, memoryMb, architecture, options)),
    ),
  );

/** Most milliseconds that a request may take; undefined for no limit. */
export interface Limits {
  readonly p95Ms?: number;
  readonly coldMs?: number;
}

const keeps = ({ latencyMs, coldMs, problem }: Estimate, limits: Limits): boolean =>
  problem === undefined &&
  latencyMs.p95 <= (limits.p95Ms ?? Number.POSITIVE_INFINITY) &&
  coldMs <= (limits.coldMs ?? Number.POSITIVE_INFINITY);

/** The cheapest of those that keep the limits, and of equally cheap ones the fastest. Sizes that nobody measured are left out. */
export const cheapest = (estimates: readonly Estimate[], limits: Limits): Estimate | undefined =>
  estimates
    .filter((each) => each.unmeasured === undefined && keeps(each, limits))
    .toSorted((a, b) => a.dollarsPerMillion - b.dollarsPerMillion || a.latencyMs.p95 - b.latencyMs.p95)[0];

/** A price that is higher by this share counts as the same. */
const SAME_PRICE = 0.05;

/** The fastest that keeps the limits for little more than the choice costs; undefined when that is the choice. */
export const fastestNear = (estimates: readonly Estimate[], limits: Limits, choice: Estimate): Estimate | undefined => {
  const found = estimates
    .filter((each) => each.unmeasured === undefined && keeps(each, limits))
    .filter(({ dollarsPerMillion }) => dollarsPerMillion <= choice.dollarsPerMillion * (1 + SAME_PRICE))
    .toSorted((a, b) => a.latencyMs.p95 - b.latencyMs.p95 || a.dollarsPerMillion - b.dollarsPerMillion)[0];
  return found === undefined || found.latencyMs.p95 >= choice.latencyMs.p95 ? undefined : found;
};

/** The measured size that comes closest to the limits when none keeps them: the one that exceeds them by the smallest factor. */
export const closest = (estimates: readonly Estimate[], { p95Ms, coldMs }: Limits): Estimate | undefined => {
  const excess = (each: Estimate): number =>
    Math.max(
      each.latencyMs.p95 / (p95Ms ?? Number.POSITIVE_INFINITY),
      each.coldMs / (coldMs ?? Number.POSITIVE_INFINITY),
    );
  return estimates
    .filter((each) => each.unmeasured === undefined && each.problem === undefined)
    .toSorted((a, b) => excess(a) - excess(b))[0];
};
