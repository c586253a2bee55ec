/** Returns the first run after a time; undefined when there is none. */
export type NextRun = (after: Date) => Date | undefined;

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names that may stand for numbers, from the least on. */
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const MINUTE: Field = { name: 'minutes', least: 0, most: 59 };
const HOUR: Field = { name: 'hours', least: 0, most: 23 };
const DAY: Field = { name: 'day of month', least: 1, most: 31 };
const MONTH: Field = { name: 'month', least: 1, most: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', least: 1, most: 7, names: WEEKDAYS };
const YEAR: Field = { name: 'year', least: 1970, most: 2199 };

const DAY_MS = 86_400_000;

type Matcher = (date: Date) => boolean;

const parseNumber = (text: string, { name, least, most, names = [] }: Field): number => {
  const index = names.indexOf(text.toUpperCase());
  const value = index >= 0 ? least + index : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`the ${name} from ${least} to ${most}, not ${text}`);
};

/** `*`, `5`, `MON-FRI`, `0/15`, and lists of them. */
const parseValues = (text: string, field: Field): ReadonlySet<number> => {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', stepText, ...more] = part.split('/');
    const [first = '', last, ...rest] = range.split('-');
    if (more.length > 0 || rest.length > 0)
      throw new Error(`the ${field.name} as a number, a range or a step, not ${part}`);
    const start = first === '*' ? field.least : parseNumber(first, field);
    const openEnd = first === '*' || stepText !== undefined ? field.most : start;
    const end = last === undefined ? openEnd : parseNumber(last, field);
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!(step >= 1) || !Number.isInteger(step)) throw new Error(`a step of 1 or more, not ${part}`);
    if (end < start) throw new Error(`the ${field.name} in ascending order, not ${part}`);
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return values;
};

const lastDay = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();

/** The weekday that is nearest to the day, in the same month. */
const nearestWeekday = (date: Date, day: number): number => {
  const last = lastDay(date);
  const wanted = Math.min(day, last);
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), wanted)).getUTCDay();
  if (weekday === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekday === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
};

/** Also `L`, the last day; `LW`, its weekday; `L-3`, three days before the last; `15W`, the weekday nearest to the 15th. */
const parseDay = (text: string): Matcher => {
  if (text === 'L') return (date) => date.getUTCDate() === lastDay(date);
  if (text === 'LW') return (date) => date.getUTCDate() === nearestWeekday(date, DAY.most);
  const [, before] = /^L-(\d+)$/.exec(text) ?? [];
  if (before !== undefined) return (date) => date.getUTCDate() === lastDay(date) - Number(before);
  const [, nearest] = /^(\d+)W$/.exec(text) ?? [];
  if (nearest !== undefined) {
    const day = parseNumber(nearest, DAY);
    return (date) => day <= lastDay(date) && date.getUTCDate() === nearestWeekday(date, day);
  }
  const days = parseValues(text, DAY);
  return (date) => days.has(date.getUTCDate());
};

/** Also `6L`, the last Friday of the month, and `6#3`, its third. Sunday is 1. */
const parseWeekday = (text: string): Matcher => {
  const weekdayOf = (date: Date): number => date.getUTCDay() + 1;
  const [, last, nth, count] = /^(?:(\w+)L|(\w+)#([1-5]))$/.exec(text) ?? [];
  if (last !== undefined) {
    const weekday = parseNumber(last, WEEKDAY);
    return (date) => weekdayOf(date) === weekday && date.getUTCDate() + 7 > lastDay(date);
  }
  if (nth !== undefined) {
    const weekday = parseNumber(nth, WEEKDAY);
    return (date) => weekdayOf(date) === weekday && Math.ceil(date.getUTCDate() / 7) === Number(count);
  }
  const weekdays = parseValues(text === 'L' ? 'SAT' : text, WEEKDAY);
  return (date) => weekdays.has(weekdayOf(date));
};

/** Reads the two fields of days, of which exactly one must be `?`. */
const parseDays = (day: string, weekday: string): Matcher => {
  if ((day === '?') === (weekday === '?'))
    throw new Error('a ? for the day of month or for the day of week, one of them');
  return weekday === '?' ? parseDay(day) : parseWeekday(weekday);
};

/** Reads the six fields of AWS's cron. @throws Error with the expected form of a field */
export const parseCron = (text: string): NextRun => {
  const fields = text.split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  if (fields.length !== 6) throw new Error('six fields: minutes, hours, day of month, month, day of week, year');
  const minutes = [...parseValues(minute, MINUTE)].sort((a, b) => a - b);
  const hours = [...parseValues(hour, HOUR)].sort((a, b) => a - b);
  const isDay = parseDays(day, weekday);
  const months = parseValues(month, MONTH);
  const years = parseValues(year, YEAR);
  const lastYear = Math.max(...years);

  return (after) => {
    const start = Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), after.getUTCDate());
    for (let midnight = start; new Date(midnight).getUTCFullYear() <= lastYear; midnight += DAY_MS) {
      const date = new Date(midnight);
      if (!years.has(date.getUTCFullYear()) || !months.has(date.getUTCMonth() + 1) || !isDay(date)) continue;
      for (const hour of hours)
        for (const minute of minutes) {
          const time = midnight + (hour * 60 + minute) * 60_000;
          if (time > after.getTime()) return new Date(time);
        }
    }
    return undefined;
  };
};
