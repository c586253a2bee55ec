import { describe, expect, it } from '@jest/globals';
import { parseSchedule } from '../../../../local/schedule/schedule-expression.ts';

/** The first runs after a time, to the minute. */
const runs = (expression: string, after: string, count = 1): string[] => {
  const next = parseSchedule(expression);
  const found: string[] = [];
  for (let time: Date | undefined = new Date(after); found.length < count; ) {
    time = next(time);
    if (time === undefined) break;
    found.push(time.toISOString().slice(0, 16));
  }
  return found;
};

describe('a rate', () => {
  it.each([
    ['rate(1 minute)', '2026-01-01T00:01'],
    ['rate(5 minutes)', '2026-01-01T00:05'],
    ['rate(1 hour)', '2026-01-01T01:00'],
    ['rate(7 days)', '2026-01-08T00:00'],
  ])('%s runs a period later', (expression, expected) => {
    expect(runs(expression, '2026-01-01T00:00:00Z')).toEqual([expected]);
  });

  it.each([
    'rate(0 minutes)',
    'rate(1 minutes)',
    'rate(2 minute)',
    'rate(5 seconds)',
    'rate(-1 hours)',
    'rate()',
    'every hour',
    '5 minutes',
    'rate(5 minutes',
  ])('is refused, by name: %s', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(`${expression} is no schedule`);
  });
});

describe('a cron expression', () => {
  it.each([
    ['cron(0 12 * * ? *)', '2026-03-04T12:00:00Z', ['2026-03-05T12:00', '2026-03-06T12:00']],
    ['cron(0 12 * * ? *)', '2026-03-04T11:59:59Z', ['2026-03-04T12:00', '2026-03-05T12:00']],
    ['cron(0/15 8-9 * * ? *)', '2026-03-04T08:40:00Z', ['2026-03-04T08:45', '2026-03-04T09:00']],
    ['cron(30,5 * * * ? *)', '2026-03-04T08:10:00Z', ['2026-03-04T08:30', '2026-03-04T09:05']],
    ['cron(*/20 * * * ? *)', '2026-03-04T08:10:00Z', ['2026-03-04T08:20', '2026-03-04T08:40']],
    ['cron(0 18 ? * MON-FRI *)', '2026-03-06T19:00:00Z', ['2026-03-09T18:00', '2026-03-10T18:00']],
    ['cron(0 0 ? * 1 *)', '2026-03-04T00:00:00Z', ['2026-03-08T00:00', '2026-03-15T00:00']],
    ['cron(0 0 ? * L *)', '2026-03-04T00:00:00Z', ['2026-03-07T00:00', '2026-03-14T00:00']],
    ['cron(0 8 1 * ? *)', '2026-12-15T00:00:00Z', ['2027-01-01T08:00', '2027-02-01T08:00']],
    ['cron(0 8 L * ? *)', '2028-02-01T00:00:00Z', ['2028-02-29T08:00', '2028-03-31T08:00']],
    ['cron(0 8 L-2 * ? *)', '2026-02-01T00:00:00Z', ['2026-02-26T08:00', '2026-03-29T08:00']],
    ['cron(0 8 LW * ? *)', '2026-05-01T00:00:00Z', ['2026-05-29T08:00', '2026-06-30T08:00']],
    ['cron(0 8 15W * ? *)', '2026-02-01T00:00:00Z', ['2026-02-16T08:00', '2026-03-16T08:00']],
    ['cron(0 8 1W * ? *)', '2026-08-01T00:00:00Z', ['2026-08-03T08:00', '2026-09-01T08:00']],
    ['cron(0 8 ? * 6L *)', '2026-03-01T00:00:00Z', ['2026-03-27T08:00', '2026-04-24T08:00']],
    ['cron(0 8 ? * MON#2 *)', '2026-03-01T00:00:00Z', ['2026-03-09T08:00', '2026-04-13T08:00']],
    ['cron(0 8 ? * 2#5 *)', '2026-03-01T00:00:00Z', ['2026-03-30T08:00', '2026-06-29T08:00']],
    ['cron(0 0 1 jan,JUL ? 2027/2)', '2026-03-01T00:00:00Z', ['2027-01-01T00:00', '2027-07-01T00:00']],
    ['cron(0 0 29 2 ? *)', '2026-03-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['cron(0 0 1 1 ? 2026)', '2026-03-01T00:00:00Z', []],
    ['cron(0 0 30 2 ? *)', '2026-03-01T00:00:00Z', []],
  ])('%s after %s runs when EventBridge runs it', (expression, after, expected) => {
    expect(runs(expression, after, 2)).toEqual(expected);
  });

  it.each([
    ['cron(0 12 * * ?)', 'six fields'],
    ['cron(0 12 * * * *)', 'a ? for the day of month or for the day of week'],
    ['cron(0 12 ? * ? *)', 'a ? for the day of month or for the day of week'],
    ['cron(60 12 * * ? *)', 'the minutes from 0 to 59, not 60'],
    ['cron(0 24 * * ? *)', 'the hours from 0 to 23, not 24'],
    ['cron(0 12 0 * ? *)', 'the day of month from 1 to 31, not 0'],
    ['cron(0 12 * FOO ? *)', 'the month from 1 to 12, not FOO'],
    ['cron(0 12 ? * 0 *)', 'the day of week from 1 to 7, not 0'],
    ['cron(0 12 ? * 2#6 *)', 'the day of week from 1 to 7, not 2#6'],
    ['cron(0 12 * * ? 1969)', 'the year from 1970 to 2199, not 1969'],
    ['cron(0/0 12 * * ? *)', 'a step of 1 or more, not 0/0'],
    ['cron(5-1 12 * * ? *)', 'the minutes in ascending order, not 5-1'],
    ['cron(1-2-3 12 * * ? *)', 'the minutes as a number, a range or a step, not 1-2-3'],
  ])('%s is refused: expected %s', (expression, expected) => {
    expect(() => parseSchedule(expression)).toThrow(`${expression} is no schedule: expected ${expected}`);
  });
});
