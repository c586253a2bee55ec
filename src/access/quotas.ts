import { randomUUID } from 'node:crypto';
import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { changeUse, type KeyUse } from './quota-document.ts';
import type { Quota } from './scope.ts';

/** The decision about a request. */
export interface Verdict {
  /** https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for a request that is let in. */
  readonly refusal: ServingError | undefined;
}

/** Counts the requests of keys in this environment, and learns behind the answers what the others have counted. */
export interface Quotas {
  /** Counts a request, unless the quota is used up. It reads and writes nothing before the answer. */
  take(quota: Quota): Verdict;
}

export interface QuotasOptions {
  readonly data: ObjectStore;
  /** Starts work once the answer is out. */
  readonly defer: (start: () => Promise<void>) => void;
  readonly warned: (message: string, error: ServingError) => void;
  readonly nowMs?: () => number;
}

/** Time after which an environment tells the others of its requests, and learns of theirs. */
export const SYNC_MS = 15_000;
/** An environment that has written nothing for so long counts as idle. */
const LIVE_MS = 3 * SYNC_MS;
const DAY_MS = 86_400_000;

/** The use of a key on a day, as this environment knows it. */
interface Use {
  readonly day: string;
  /** Requests that this environment let in, and those of them that the shared count has. */
  count: number;
  written: number;
  /** Requests of the other environments, and how many a second those let in that are busy. */
  others: number;
  othersPerSecond: number;
  busy: number;
  /** Requests that may come at once, at the time `filledMs`. */
  tokens: number;
  filledMs: number;
  syncedMs: number;
  syncedCount: number;
}

const newUse = (day: string, nowMs: number): Use => ({
  ...{ day, count: 0, written: 0, others: 0, othersPerSecond: 0, busy: 0 },
  ...{ tokens: Number.POSITIVE_INFINITY, filledMs: nowMs, syncedMs: Number.NEGATIVE_INFINITY, syncedCount: 0 },
});

/** The part of a rate that the other environments leave over: all of it while they are idle, an equal share at least. */
const shareOf = (perSecond: number, { busy, othersPerSecond }: Use): number =>
  Math.max(perSecond / (busy + 1), perSecond - othersPerSecond);

/** Fills the tokens up, to those of a second at most. */
const fill = (use: Use, share: number, nowMs: number): void => {
  const added = (Math.max(0, nowMs - use.filledMs) / 1000) * share;
  use.tokens = Math.min(Math.max(1, share), use.tokens + added);
  use.filledMs = nowMs;
};

const EPSILON = 1e-9;

/** A limit, and what is left of it. */
interface Window {
  readonly name: 'second' | 'day';
  readonly limit: number;
  readonly windowSeconds: number;
  readonly left: number;
  /** Seconds until more is left. */
  readonly waitSeconds: number;
}

const windowsOf = ({ perSecond, perDay }: Quota, use: Use, nowMs: number): Window[] => {
  const windows: Window[] = [];
  if (perSecond !== undefined) {
    const share = shareOf(perSecond, use);
    fill(use, share, nowMs);
    const waitSeconds = Math.max(1, Math.ceil((1 - use.tokens) / share - EPSILON));
    windows.push({ name: 'second', limit: perSecond, windowSeconds: 1, left: use.tokens + EPSILON, waitSeconds });
  }
  if (perDay !== undefined) {
    const waitSeconds = Math.ceil((DAY_MS - (nowMs % DAY_MS)) / 1000);
    const left = perDay - use.others - use.count;
    windows.push({ name: 'day', limit: perDay, windowSeconds: DAY_MS / 1000, left, waitSeconds });
  }
  return windows;
};

const refusalOf = ({ name, limit, waitSeconds }: Window): ServingError => {
  const until = name === 'day' ? ', at midnight UTC' : '';
  return new ServingError(
    'TOO_MANY_REQUESTS',
    `the key may make ${limit} requests a ${name}, and has made them; try again in ${waitSeconds} s${until}`,
  );
};

const toVerdict = (windows: readonly Window[], refused: Window | undefined): Verdict => ({
  headers: {
    'ratelimit-policy': windows.map(({ name, limit, windowSeconds: w }) => `"${name}";q=${limit};w=${w}`).join(', '),
    ratelimit: windows
      .map(({ name, left, waitSeconds }) => `"${name}";r=${Math.max(0, Math.floor(left))};t=${waitSeconds}`)
      .join(', '),
    ...(refused && { 'retry-after': String(refused.waitSeconds) }),
  },
  refusal: refused && refusalOf(refused),
});

interface Sync {
  readonly environment: string;
  readonly count: number;
  readonly perSecond: number;
  readonly nowMs: number;
}

/** Notes in `use` what the others have counted, and adds what this environment has. Undefined when there is nothing to add. */
const merge = (stored: KeyUse, use: Use, { environment, count, perSecond, nowMs }: Sync): KeyUse | undefined => {
  const { [environment]: mine, ...rest } = stored.environments;
  const written = mine?.count ?? use.written;
  const live = Object.entries(rest).filter(([, { writtenMs }]) => nowMs - writtenMs < LIVE_MS);
  const rates = live.map(([, other]) => other.perSecond);
  use.written = written;
  use.others = Math.max(0, stored.total - written);
  use.busy = rates.length;
  use.othersPerSecond = rates.reduce((sum, rate) => sum + rate, 0);
  if (count === written) return undefined;
  const environments = { ...Object.fromEntries(live), [environment]: { count, perSecond, writtenMs: nowMs } };
  return { formatVersion: 1, total: stored.total + count - written, environments };
};

export const createQuotas = ({ data, defer, warned, nowMs = Date.now }: QuotasOptions): Quotas => {
  const environment = randomUUID().slice(0, 8);
  const uses = new Map<string, Use>();

  const useOf = (keyId: string, day: string): Use => {
    const known = uses.get(keyId);
    if (known?.day === day) return known;
    const use = newUse(day, nowMs());
    uses.set(keyId, use);
    return use;
  };

  const sync = async (keyId: string, use: Use, elapsedMs: number): Promise<void> => {
    const { count, day } = use;
    const perSecond = (1000 * (count - use.syncedCount)) / elapsedMs;
    try {
      await changeUse(data, { keyId, day }, (stored) =>
        merge(stored, use, { environment, count, perSecond, nowMs: nowMs() }),
      );
      Object.assign(use, { written: count, syncedCount: count });
    } catch (error) {
      const problem = `the requests of the key ${keyId} were not added up: a later request tries again`;
      warned(problem, ServingError.from(error));
    }
  };

  return {
    take(quota) {
      const now = nowMs();
      const use = useOf(quota.keyId, new Date(now).toISOString().slice(0, 10));
      const windows = windowsOf(quota, use, now);
      const refused = windows.findLast(({ left }) => left < 1);
      if (refused === undefined) {
        use.count += 1;
        use.tokens -= 1;
      }
      const elapsedMs = now - use.syncedMs;
      if (elapsedMs >= SYNC_MS) {
        use.syncedMs = now;
        defer(() => sync(quota.keyId, use, Math.min(elapsedMs, LIVE_MS)));
      }
      const left = refused ? windows : windows.map((window) => ({ ...window, left: window.left - 1 }));
      return toVerdict(left, refused);
    },
  };
};
