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

interface Environment {
  readonly freeMs: number;
}

/** The environments of which `freeMs` is earliest first. */
const insert = (environments: Environment[], environment: Environment): void => {
  let at = environments.length;
  while (at > 0 && (environments[at - 1]?.freeMs ?? 0) > environment.freeMs) at -= 1;
  environments.splice(at, 0, environment);
};

const takeUntil = (environments: Environment[], atMs: number): Environment[] => {
  let count = 0;
  while (count < environments.length && (environments[count]?.freeMs ?? 0) <= atMs) count += 1;
  return environments.splice(0, count);
};

/**
 * Plays requests against a function as Lambda runs it: an environment answers one request at a time. A request goes to a kept environment
 * that is free, then to the environment that was used last, and else to a new one.
 * @param requests in ascending order of `atMs`
 * @param keptAt environments that are kept at a time
 */
export const simulate = (
  requests: readonly { readonly atMs: number; readonly serviceMs: number }[],
  { coldMs, idleMs }: FunctionTimes,
  keptAt: (atMs: number) => number,
): SimulatedRequest[] => {
  const keptBusy: Environment[] = [];
  const busy: Environment[] = [];
  const idle: Environment[] = [];
  return requests.map(({ atMs, serviceMs }) => {
    takeUntil(keptBusy, atMs);
    for (const environment of takeUntil(busy, atMs)) idle.push(environment);
    takeUntil(idle, atMs - idleMs);
    const isKept = keptBusy.length < keptAt(atMs);
    const isCold = !isKept && idle.pop() === undefined;
    const latencyMs = isCold ? Math.max(coldMs, serviceMs) : serviceMs;
    insert(isKept ? keptBusy : busy, { freeMs: atMs + latencyMs });
    return { atMs, latencyMs, isCold, isKept };
  });
};
