import { environmentsAt, parseWeeklySchedule, WEEK_MINUTES } from '../../deployment/weekly-schedule.ts';
import type { Prices } from '../prices.ts';
import { createLocalWeek } from './local-week.ts';
import { keptDollars, type Outcome, outcomeOf, p99Of } from './outcome.ts';
import { type FunctionTimes, type SimulatedRequest, simulate } from './simulate.ts';
import { classesOf, describeSlots, SLOT_HOURS, slotOf } from './slots.ts';
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
}

type Request = { readonly atMs: number; readonly serviceMs: number };

/** Environments of which more are not tried. */
const MOST_KEPT = 500;
const HOUR_MS = 3_600_000;

/** Simulations of the requests of a trace by what is kept. */
const createTrials = (
  requests: readonly Request[],
  { times, memoryMb, prices, timezone, leadMinutes }: PlanOptions,
) => {
  const startMs = Math.floor((requests[0]?.atMs ?? 0) / HOUR_MS) * HOUR_MS;
  const days = daysOf(requests);
  const minuteAt = createLocalWeek(timezone);
  const hours = Array.from({ length: days * 24 }, (_, hour) => startMs + hour * HOUR_MS);
  const run = (keptAt: (atMs: number) => number): SimulatedRequest[] => simulate(requests, times, keptAt);
  const trySchedule = (schedule: string): { readonly simulated: SimulatedRequest[]; readonly candidate: Candidate } => {
    const windows = parseWeeklySchedule(schedule);
    const kept = Array.from({ length: WEEK_MINUTES }, (_, minute) =>
      windows.length === 0 ? 0 : environmentsAt(windows, minute, { base: 0, leadMinutes }),
    );
    const simulated = run((atMs) => kept[minuteAt(atMs)] ?? 0);
    const quarters = hours.flatMap((atMs) => [0, 1, 2, 3].map((quarter) => atMs + (quarter * HOUR_MS) / 4));
    const keptHours = quarters.reduce((sum, atMs) => sum + (kept[minuteAt(atMs)] ?? 0) / 4, 0);
    const outcome = outcomeOf(simulated, { prices, memoryMb, spanMs: days * DAY_MS, keptHours });
    return { simulated, candidate: { schedule, ...outcome } };
  };
  return { days, hours, minuteAt, run, trySchedule };
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
  kept[slot] = (kept[slot] ?? 0) + 1;
  return true;
};

/**
 * Simulates a trace with more and more environments kept, and chooses the cheapest hours for them that keep the limit.
 * @param requests in ascending order of time, at least one
 */
export const planCapacity = (requests: readonly Request[], options: PlanOptions): CapacityPlan => {
  const { limitMs, memoryMb, prices } = options;
  const { days, hours, minuteAt, run, trySchedule } = createTrials(requests, options);
  const allowed = Math.floor(requests.length * 0.01);
  const classes = classesOf(days);
  const slowBySlot = (simulated: readonly SimulatedRequest[]): number[] => {
    const counts = Array.from({ length: classes.length * SLOT_HOURS }, () => 0);
    for (const { atMs, latencyMs } of simulated)
      if (latencyMs > limitMs) {
        const slot = slotOf(classes, minuteAt(atMs));
        counts[slot] = (counts[slot] ?? 0) + 1;
      }
    return counts;
  };
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const none = trySchedule('').candidate;
  const warmP99Ms = p99Of(requests.map(({ serviceMs }) => serviceMs));
  const plan = { requests: requests.length, days, warmP99Ms, none };
  if (warmP99Ms > limitMs) return plan;
  if (none.p99Ms <= limitMs) return { ...plan, choice: none };

  const slow: number[][] = [];
  do slow.push(slowBySlot(run(() => slow.length)));
  while (sum(slow.at(-1) ?? []) > allowed && slow.length <= MOST_KEPT);
  const always = trySchedule(`daily 0-24: ${slow.length - 1}`).candidate;
  const dollars = Array.from({ length: classes.length * SLOT_HOURS }, () => 0);
  for (const atMs of hours) {
    const slot = slotOf(classes, minuteAt(atMs));
    dollars[slot] = (dollars[slot] ?? 0) + keptDollars(prices, memoryMb, 1);
  }
  const kept = dollars.map(() => 0);
  const predicted = (): number => sum(kept.map((count, slot) => slow[count]?.[slot] ?? 0));
  while (predicted() > allowed && raiseBest(kept, { slow, dollars }));
  for (;;) {
    const { simulated, candidate } = trySchedule(describeSlots(classes, kept));
    if (candidate.p99Ms <= limitMs) return { ...plan, choice: candidate, always };
    if (!raiseSlowest(kept, slowBySlot(simulated), { slow, dollars })) break;
  }
  return always.p99Ms <= limitMs ? { ...plan, choice: always, always } : plan;
};
