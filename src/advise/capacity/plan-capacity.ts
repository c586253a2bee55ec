import { environmentsAt, parseWeeklySchedule, WEEK_MINUTES } from '../../deployment/weekly-schedule.ts';
import type { Prices } from '../prices.ts';
import { createLocalWeek } from './local-week.ts';
import { createOutcome, keptDollars, type Outcome, p99Of } from './outcome.ts';
import { type FunctionTimes, play, type Requests } from './simulate.ts';
import { classesOf, describeSlots, SLOT_HOURS, slotOf } from './slots.ts';
import { slowByKept } from './slow-requests.ts';
import { DAY_MS, daysOf } from './trace.ts';

export interface PlanOptions {
  readonly times: FunctionTimes;
  readonly memoryMb: number;
  readonly prices: Prices;
  /** Most milliseconds for 99 % of the requests. */
  readonly limitMs: number;
  readonly timezone: string;
  /** Minutes before a window in which its environments start. */
  readonly leadMinutes: number;
}

/** A schedule with its latency and cost. */
export interface Candidate extends Outcome {
  /** In the words of the parameter `provisionedSchedule`; empty when nothing is kept. */
  readonly schedule: string;
}

export interface CapacityPlan {
  readonly requests: number;
  readonly days: number;
  /** 99 % of the requests to warm environments take no longer: no schedule makes them faster. */
  readonly warmP99Ms: number;
  /** Nothing is kept. */
  readonly none: Candidate;
  /** The cheapest schedule that keeps the limit; undefined when none does. */
  readonly choice?: Candidate;
  /** Equally many at all times, and just enough. */
  readonly always?: Candidate;
  /** Simulations of all requests. */
  readonly simulations: number;
}

/** Schedules that are simulated, each in a second for millions of requests. */
const MOST_SCHEDULES = 40;
/** A slot is raised by a tenth: by one environment below 20. */
const RAISE = 0.1;
const HOUR_MS = 3_600_000;

/** Simulations of the requests of a trace by what is kept. */
const createTrials = (requests: Requests, options: PlanOptions) => {
  const { times, memoryMb, prices, timezone, leadMinutes, limitMs } = options;
  const startMs = Math.floor((requests[0]?.atMs ?? 0) / HOUR_MS) * HOUR_MS;
  const days = daysOf(requests);
  const classes = classesOf(days);
  const minuteAt = createLocalWeek(timezone);
  const hours = Array.from({ length: days * 24 }, (_, hour) => startMs + hour * HOUR_MS);
  const minutes = Uint16Array.from(requests, ({ atMs }) => minuteAt(atMs));
  const slots = Uint8Array.from(minutes, (minute) => slotOf(classes, minute));
  const counts = { simulations: 0 };
  const createSlow = () => {
    const slow = Array.from({ length: classes.length * SLOT_HOURS }, () => 0);
    return {
      slow,
      note: (index: number, latencyMs: number): void => {
        const slot = slots[index] ?? 0;
        if (latencyMs > limitMs) slow[slot] = (slow[slot] ?? 0) + 1;
      },
    };
  };
  /** The slow requests of each slot while so many environments are kept at all times. */
  const slowWith = (kept: number): readonly number[] => {
    const { slow, note } = createSlow();
    counts.simulations += 1;
    play(requests, times, () => kept, note);
    return slow;
  };
  const trySchedule = (schedule: string): { readonly slow: readonly number[]; readonly candidate: Candidate } => {
    const windows = parseWeeklySchedule(schedule);
    const kept = Array.from({ length: WEEK_MINUTES }, (_, minute) =>
      windows.length === 0 ? 0 : environmentsAt(windows, minute, { base: 0, leadMinutes }),
    );
    const quarters = hours.flatMap((atMs) => [0, 1, 2, 3].map((quarter) => atMs + (quarter * HOUR_MS) / 4));
    const keptHours = quarters.reduce((sum, atMs) => sum + (kept[minuteAt(atMs)] ?? 0) / 4, 0);
    const outcome = createOutcome(requests.length, { prices, memoryMb, spanMs: days * DAY_MS, keptHours });
    const { slow, note } = createSlow();
    counts.simulations += 1;
    const keptAt = (index: number): number => kept[minutes[index] ?? 0] ?? 0;
    play(requests, times, keptAt, (index, latencyMs, isCold, isKept) => {
      note(index, latencyMs);
      outcome.add(index, latencyMs, isCold, isKept);
    });
    return { slow, candidate: { schedule, ...outcome.end() } };
  };
  const dollars = createSlow().slow;
  for (const slot of hours.map((atMs) => slotOf(classes, minuteAt(atMs))))
    dollars[slot] = (dollars[slot] ?? 0) + keptDollars(prices, memoryMb, 1);
  return { days, classes, dollars, counts, slowWith, trySchedule };
};

interface Slots {
  /** Requests that are too slow, by the number that is kept and by slot. */
  readonly slow: readonly (readonly number[])[];
  /** US dollars of an environment that is kept in each slot. */
  readonly dollars: readonly number[];
}

/** Raises the slot in which a dollar saves most slow requests. Returns false when none is left to save. */
const raiseBest = (kept: number[], { slow, dollars }: Slots): boolean => {
  let best = { gain: 0, slot: -1, to: 0 };
  for (const [slot, now] of kept.entries())
    for (let to = now + 1; to < slow.length; to += 1) {
      const saved = (slow[now]?.[slot] ?? 0) - (slow[to]?.[slot] ?? 0);
      const gain = saved / ((dollars[slot] ?? 0) * (to - now));
      if (gain > best.gain) best = { gain, slot, to };
    }
  if (best.slot === -1) return false;
  kept[best.slot] = best.to;
  return true;
};

/**
 * Raises the slot with most slow requests of a simulation for a dollar. The hours depend on each other: an environment that is kept in one
 * leaves none to the next, which had one when nothing was kept.
 */
const raiseSlowest = (kept: number[], slowNow: readonly number[], { slow, dollars }: Slots): boolean => {
  const gains = kept.map((count, slot) => (count < slow.length - 1 ? (slowNow[slot] ?? 0) / (dollars[slot] ?? 0) : 0));
  const slot = gains.indexOf(Math.max(...gains));
  if ((gains[slot] ?? 0) === 0) return false;
  const now = kept[slot] ?? 0;
  kept[slot] = Math.min(slow.length - 1, now + Math.max(1, Math.floor(now * RAISE)));
  return true;
};

/**
 * Simulates a trace with more and more environments kept, and chooses the cheapest hours for them that keep the limit.
 * @param requests in ascending order of time, at least one
 */
export const planCapacity = (requests: Requests, options: PlanOptions): CapacityPlan => {
  const { limitMs } = options;
  const { days, classes, dollars, counts, slowWith, trySchedule } = createTrials(requests, options);
  const allowed = Math.floor(requests.length * 0.01);
  const none = trySchedule('').candidate;
  const warmP99Ms = p99Of(Float64Array.from(requests, ({ serviceMs }) => serviceMs));
  const end = (found: Pick<CapacityPlan, 'choice' | 'always'>): CapacityPlan => ({
    ...{ requests: requests.length, days, warmP99Ms, none, ...found, ...counts },
  });
  if (warmP99Ms > limitMs) return end({});
  if (none.p99Ms <= limitMs) return end({ choice: none });

  const slow = slowByKept(slowWith, allowed);
  const always = trySchedule(`daily 0-24: ${slow.length - 1}`).candidate;
  const kept = dollars.map(() => 0);
  const isPredicted = (): boolean =>
    kept.reduce((total, count, slot) => total + (slow[count]?.[slot] ?? 0), 0) <= allowed;
  while (!isPredicted() && raiseBest(kept, { slow, dollars }));
  for (let schedules = 0; schedules < MOST_SCHEDULES; schedules += 1) {
    const { slow: slowNow, candidate } = trySchedule(describeSlots(classes, kept));
    if (candidate.p99Ms <= limitMs) return end({ choice: candidate, always });
    if (!raiseSlowest(kept, slowNow, { slow, dollars })) break;
  }
  return end(always.p99Ms <= limitMs ? { choice: always, always } : {});
};
