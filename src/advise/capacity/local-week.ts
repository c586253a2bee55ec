import { DAY_MINUTES } from '../../deployment/weekly-schedule.ts';

const MINUTE_MS = 60_000;
/** Zones differ from UTC by multiples of it. */
const QUARTER_MS = 15 * MINUTE_MS;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Returns a function that tells the minute of the week, from the start of Monday, at a time in a zone. */
export const createLocalWeek = (timezone: string): ((atMs: number) => number) => {
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, ...options });
  const known = new Map<number, number>();
  const minuteAt = (quarter: number): number => {
    const parts = Object.fromEntries(
      format.formatToParts(quarter * QUARTER_MS).map(({ type, value }) => [type, value]),
    );
    return DAYS.indexOf(parts.weekday ?? '') * DAY_MINUTES + Number(parts.hour) * 60 + Number(parts.minute);
  };
  return (atMs) => {
    const quarter = Math.floor(atMs / QUARTER_MS);
    const start = known.get(quarter) ?? minuteAt(quarter);
    known.set(quarter, start);
    return start + Math.floor((atMs - quarter * QUARTER_MS) / MINUTE_MS);
  };
};
