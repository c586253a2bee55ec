import { show } from '../core/show.ts';

/** A time of the week in which so many environments are kept. Minutes count from the start of Monday, local time. */
export interface Window {
  readonly startMinute: number;
  readonly endMinute: number;
  readonly environments: number;
}

/** A time of the week from which so many environments are kept. */
export interface Step {
  readonly minute: number;
  readonly environments: number;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const WORDS: Readonly<Record<string, readonly [first: number, last: number]>> = {
  daily: [0, 6],
  weekdays: [0, 4],
  weekends: [5, 6],
};
export const DAY_MINUTES = 24 * 60;
export const WEEK_MINUTES = 7 * DAY_MINUTES;
/** Environments of one function; an account with a higher limit asks AWS for it. */
const MOST_ENVIRONMENTS = 10_000;
const EXPECTED = 'expected windows such as "weekdays 8-18: 5; sat 10-14:30: 2"';

const refuse = (text: string, problem: string): never => {
  throw new Error(`the parameter provisionedSchedule has ${show(text)}: ${problem}; ${EXPECTED}`);
};

const parseDays = (text: string, part: string): readonly number[] => {
  const [, from = '', to = from] = /^([a-z]+)(?:-([a-z]+))?$/.exec(text) ?? [];
  const [first, last] = WORDS[text] ?? [DAYS.indexOf(from), DAYS.indexOf(to)];
  if (first < 0 || last < 0) return refuse(part, `${show(text)} is no day: daily, weekdays, weekends, mon, mon-thu`);
  if (last < first) return refuse(part, `${show(text)} passes the end of the week: name two windows`);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
};

const parseTime = (text: string, part: string): number => {
  const [, hour = '', minute = '0'] = /^(\d{1,2})(?::([0-5]\d))?$/.exec(text) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  return hour !== '' && minutes <= DAY_MINUTES ? minutes : refuse(part, `${show(text)} is no time from 0 to 24`);
};

const parseWindows = (part: string): Window[] => {
  const [, days = '', from = '', to = '', count = ''] =
    /^(\S+)\s+([\d:]+)\s*-\s*([\d:]+?)\s*:\s*(\S+)$/.exec(part) ??
    refuse(part, 'not <days> <from>-<to>: <environments>');
  const environments = /^[1-9]\d{0,4}$/.test(count) ? Number(count) : 0;
  if (environments < 1 || environments > MOST_ENVIRONMENTS)
    return refuse(part, `${show(count)} is no number of environments from 1 to ${MOST_ENVIRONMENTS}`);
  const [start, end] = [parseTime(from, part), parseTime(to, part)];
  if (end <= start) return refuse(part, 'it ends before it starts; a night is two windows, such as 22-24 and 0-6');
  return parseDays(days, part).map((day) => ({
    ...{ startMinute: day * DAY_MINUTES + start, endMinute: day * DAY_MINUTES + end, environments },
  }));
};

/**
 * Reads the stage parameter `provisionedSchedule`, such as `weekdays 8-18: 5; sat 10-14: 2`; none for an empty one.
 * @throws Error that quotes what is no window, or overlaps another one
 */
export const parseWeeklySchedule = (text: string): Window[] => {
  const parts = text
    .replaceAll('–', '-')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (parts.every((part) => part === '')) return [];
  const windows = parts.flatMap(parseWindows).sort((a, b) => a.startMinute - b.startMinute);
  const overlapping = windows.find(({ startMinute }, index) => startMinute < (windows[index - 1]?.endMinute ?? 0));
  if (overlapping) refuse(text, `two windows overlap on ${DAYS[Math.floor(overlapping.startMinute / DAY_MINUTES)]}`);
  return windows;
};

/** The environments that are kept at a minute of the week, when each window begins `leadMinutes` earlier. */
export const environmentsAt = (
  windows: readonly Window[],
  minute: number,
  { base, leadMinutes }: { readonly base: number; readonly leadMinutes: number },
): number =>
  Math.max(
    base,
    ...windows
      .filter(({ startMinute, endMinute }) => {
        const sinceStart = (minute - startMinute + leadMinutes + WEEK_MINUTES) % WEEK_MINUTES;
        return sinceStart < endMinute - startMinute + leadMinutes;
      })
      .map(({ environments }) => environments),
  );

/** The times of the week at which the number of kept environments changes. */
export const stepsOf = (
  windows: readonly Window[],
  options: { readonly base: number; readonly leadMinutes: number },
): Step[] => {
  const borders = windows.flatMap(({ startMinute, endMinute }) => [startMinute - options.leadMinutes, endMinute]);
  const minutes = [...new Set(borders.map((minute) => (minute + WEEK_MINUTES) % WEEK_MINUTES))].sort((a, b) => a - b);
  const at = (minute: number): number => environmentsAt(windows, minute, options);
  return minutes
    .map((minute) => ({ minute, environments: at(minute) }))
    .filter(({ minute, environments }) => environments !== at((minute - 1 + WEEK_MINUTES) % WEEK_MINUTES));
};

/** `cron(0 8 ? * MON,TUE *)` for each time of the day, with the days that have it, and the environments from then on. */
export const cronsOf = (steps: readonly Step[]): { readonly cron: string; readonly environments: number }[] => {
  const keyOf = ({ minute, environments }: Step): string => `${minute % DAY_MINUTES} ${environments}`;
  return [...Map.groupBy(steps, keyOf).values()].map((group) => {
    const [{ minute, environments } = { minute: 0, environments: 0 }] = group;
    const days = group.map((step) => DAYS[Math.floor(step.minute / DAY_MINUTES)]?.toUpperCase());
    const time = minute % DAY_MINUTES;
    return { cron: `cron(${time % 60} ${Math.floor(time / 60)} ? * ${days.join(',')} *)`, environments };
  });
};
