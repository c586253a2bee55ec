import { refuse } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { show } from '../../core/show.ts';

/** A request: the time at which it came, and the time that a warm function needs for it, when that is known. */
export interface Arrival {
  readonly atMs: number;
  readonly serviceMs?: number;
}

export const DAY_MS = 86_400_000;
/** A year of a request a second would not fit into memory. */
const MOST_REQUESTS = 5_000_000;
const MOST_DAYS = 366;

const EXPECTED = 'expected a header "time" or "time,ms", and lines such as 2026-11-26T08:00:01.250Z,35';

/** A date with its zone, or seconds since 1970. */
const parseTime = (text: string): number => {
  if (/^\d{1,11}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const hasZone = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text);
  return hasZone ? Date.parse(text) : Number.NaN;
};

/** Days that have begun since the first request. */
export const daysOf = (requests: readonly { readonly atMs: number }[]): number =>
  Math.floor(((requests.at(-1)?.atMs ?? 0) - (requests[0]?.atMs ?? 0)) / DAY_MS) + 1;

/**
 * Reads a trace: CSV with a column `time`, and perhaps a column `ms` with the time of a warm request. Other columns are left out.
 * @param path for messages
 * @throws `INVALID_REQUEST` naming the line that is wrong
 */
export const parseTrace = (text: string, path: string): Arrival[] => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const fail = (line: number, problem: string): never =>
    refuse('INVALID_REQUEST', `${path}, line ${line}: ${problem}; ${EXPECTED}`);
  const header = (lines[0] ?? '').split(',').map((cell) => cell.trim());
  const [timeAt, serviceAt] = [header.indexOf('time'), header.indexOf('ms')];
  if (timeAt === -1) fail(1, lines[0] === '' ? 'it is empty' : `the header is ${show(lines[0])}`);
  const arrivals: Arrival[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || (line === '' && index === lines.length - 1)) continue;
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length !== header.length)
      fail(index + 1, `it has ${cells.length} cells, the header has ${header.length}`);
    const atMs = parseTime(cells[timeAt] ?? '');
    if (Number.isNaN(atMs)) fail(index + 1, `${show(cells[timeAt])} is no time with its zone`);
    if (atMs < (arrivals.at(-1)?.atMs ?? 0))
      fail(index + 1, 'it is earlier than the line before; sort the file by time');
    if (arrivals.length === MOST_REQUESTS) fail(index + 1, `more than ${MOST_REQUESTS} requests; take a shorter time`);
    if (serviceAt === -1) arrivals.push({ atMs });
    else {
      const cell = cells[serviceAt] ?? '';
      if (!/^\d{1,9}(\.\d+)?$/.test(cell)) fail(index + 1, `${show(cell)} is no number of milliseconds`);
      arrivals.push({ atMs, serviceMs: Number(cell) });
    }
  }
  if (arrivals.length === 0) refuse('INVALID_REQUEST', `${path} has no requests; ${EXPECTED}`);
  const days = daysOf(arrivals);
  if (days > MOST_DAYS)
    refuse('INVALID_REQUEST', `${path} has requests of ${days} days, expected at most ${MOST_DAYS}; ${EXPECTED}`);
  return arrivals;
};

/** A day, from 1970-01-05, a Monday, whose requests come by chance: so many on average, between two hours of UTC. */
export const poissonDay = (perDay: number, hours: readonly [from: number, to: number]): Arrival[] => {
  const random = createRandom(1);
  const [startMs, endMs] = [4 * DAY_MS + hours[0] * 3_600_000, 4 * DAY_MS + hours[1] * 3_600_000];
  const meanMs = (endMs - startMs) / perDay;
  const arrivals: Arrival[] = [];
  for (let atMs = startMs; ; ) {
    atMs -= Math.log(1 - random()) * meanMs;
    if (atMs >= endMs) return arrivals;
    arrivals.push({ atMs });
  }
};
