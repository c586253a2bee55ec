import { FIGURES_PREFIX } from '../../repository/keys.ts';

interface Hour {
  /** `2026-11-26`. */
  readonly day: string;
  /** `08`. */
  readonly hour: string;
}

const HOUR_MS = 3_600_000;

const toHour = (ms: number): Hour => {
  const text = new Date(ms).toISOString();
  return { day: text.slice(0, 10), hour: text.slice(11, 13) };
};

let last = { startMs: Number.NaN, hour: { day: '', hour: '' } };

/** The hour of a time, in UTC. The last one is kept: a request has no time for dates. */
export const hourOf = (ms: number): Hour => {
  const startMs = ms - (ms % HOUR_MS);
  if (startMs !== last.startMs) last = { startMs, hour: toHour(ms) };
  return last.hour;
};

/** The folder of a day's figures; the names in it begin with the hour. */
export const dayPrefix = (model: string, day: string): string => `${FIGURES_PREFIX}${model}/${day}/`;
