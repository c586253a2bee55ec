/** Times of a function, in milliseconds, with which requests are simulated. */
export interface FunctionTimes {
  /** First answer of a new environment, with its start and its load. */
  readonly coldMs: number;
  /** Time after which Lambda ends an environment that has nothing to do. */
  readonly idleMs: number;
}

export interface SimulatedRequest {
  readonly atMs: number;
  readonly latencyMs: number;
  readonly isCold: boolean;
  /** Answered by an environment that is kept. */
  readonly isKept: boolean;
}

/** Takes a time into its place among ascending ones. */
const insert = (times: number[], timeMs: number): void => {
  let at = times.length;
  while (at > 0 && (times[at - 1] ?? 0) > timeMs) at -= 1;
  if (at === times.length) times.push(timeMs);
  else times.splice(at, 0, timeMs);
};

const NONE: readonly number[] = [];
const takeUntil = (times: number[], atMs: number): readonly number[] => {
  let count = 0;
  while (count < times.length && (times[count] ?? 0) <= atMs) count += 1;
  return count === 0 ? NONE : times.splice(0, count);
};

/** Requests in ascending order of `atMs`. */
export type Requests = readonly { readonly atMs: number; readonly serviceMs: number }[];

/**
 * Plays requests against a function as Lambda runs it: an environment answers one request at a time. A request goes to a kept environment
 * that is free, then to the environment that was used last, and else to a new one.
 * @param keptAt environments that are kept while a request comes, by its place
 * @param onRequest told of each request, by its place: millions of them are not kept
 */
export const play = (
  requests: Requests,
  { coldMs, idleMs }: FunctionTimes,
  keptAt: (index: number) => number,
  onRequest: (index: number, latencyMs: number, isCold: boolean, isKept: boolean) => void,
): void => {
  // The times at which environments are free.
  const keptBusy: number[] = [];
  const busy: number[] = [];
  const idle: number[] = [];
  let index = 0;
  for (const { atMs, serviceMs } of requests) {
    takeUntil(keptBusy, atMs);
    for (const freeMs of takeUntil(busy, atMs)) idle.push(freeMs);
    takeUntil(idle, atMs - idleMs);
    const isKept = keptBusy.length < keptAt(index);
    const isCold = !isKept && idle.pop() === undefined;
    const latencyMs = isCold ? Math.max(coldMs, serviceMs) : serviceMs;
    insert(isKept ? keptBusy : busy, atMs + latencyMs);
    onRequest(index, latencyMs, isCold, isKept);
    index += 1;
  }
};

/** The outcome of each request of `play`. @param keptAt environments that are kept at a time */
export const simulate = (
  requests: Requests,
  times: FunctionTimes,
  keptAt: (atMs: number) => number,
): SimulatedRequest[] => {
  const simulated: SimulatedRequest[] = [];
  const atMsOf = (index: number): number => requests[index]?.atMs ?? 0;
  play(
    requests,
    times,
    (index) => keptAt(atMsOf(index)),
    (index, latencyMs, isCold, isKept) => simulated.push({ atMs: atMsOf(index), latencyMs, isCold, isKept }),
  );
  return simulated;
};
