import { describe, expect, it } from '@jest/globals';
import { cronsOf, environmentsAt, parseWeeklySchedule, stepsOf } from '../../../src/deployment/weekly-schedule.ts';

const HOUR = 60;
const crons = (text: string, base = 0, leadMinutes = 0) =>
  cronsOf(stepsOf(parseWeeklySchedule(text), { base, leadMinutes })).map(
    ({ cron, environments }) => `${environments} from ${cron}`,
  );

describe('a weekly schedule', () => {
  it('is written in words, and becomes times at which the number of environments changes', () => {
    expect(crons('')).toEqual([]);
    expect(crons('weekdays 8–18: 5')).toEqual([
      '5 from cron(0 8 ? * MON,TUE,WED,THU,FRI *)',
      '0 from cron(0 18 ? * MON,TUE,WED,THU,FRI *)',
    ]);
    expect(crons('Sat 10-14:30: 2; sun 9-12 : 1', 0)).toEqual([
      '2 from cron(0 10 ? * SAT *)',
      '0 from cron(30 14 ? * SAT *)',
      '1 from cron(0 9 ? * SUN *)',
      '0 from cron(0 12 ? * SUN *)',
    ]);
  });

  it('does not drop between windows that touch, over midnight and over the end of the week', () => {
    expect(crons('mon 8-12: 2; mon 12-18: 5')).toEqual([
      '2 from cron(0 8 ? * MON *)',
      '5 from cron(0 12 ? * MON *)',
      '0 from cron(0 18 ? * MON *)',
    ]);
    expect(crons('sun 22-24: 3; mon 0-6: 3', 1)).toEqual(['1 from cron(0 6 ? * MON *)', '3 from cron(0 22 ? * SUN *)']);
    expect(crons('daily 0-24: 3')).toEqual([]);
  });

  it('starts earlier, on the day before if need be, and never keeps less for that', () => {
    expect(crons('mon 0-6: 3', 1, 10)).toEqual(['1 from cron(0 6 ? * MON *)', '3 from cron(50 23 ? * SUN *)']);
    expect(crons('mon 8-12: 2; mon 12-18: 5', 0, 15)).toEqual([
      '2 from cron(45 7 ? * MON *)',
      '5 from cron(45 11 ? * MON *)',
      '0 from cron(0 18 ? * MON *)',
    ]);
    const windows = parseWeeklySchedule('mon 8-12: 2');
    const at = (minute: number) => environmentsAt(windows, minute, { base: 1, leadMinutes: 10 });
    expect([at(8 * HOUR - 11), at(8 * HOUR - 10), at(12 * HOUR - 1), at(12 * HOUR)]).toEqual([1, 2, 2, 1]);
  });

  it.each([
    ['weekdays 8-18', /not <days> <from>-<to>: <environments>; expected windows such as/],
    ['someday 8-18: 5', /"someday" is no day/],
    ['mon-tue-wed 8-18: 5', /"mon-tue-wed" is no day/],
    ['fri-mon 8-18: 5', /"fri-mon" passes the end of the week: name two windows/],
    ['mon 18-8: 5', /ends before it starts; a night is two windows/],
    ['mon 8-25: 5', /"25" is no time from 0 to 24/],
    ['mon 8-24:30: 5', /"24:30" is no time/],
    ['mon 8-18: 0', /"0" is no number of environments from 1 to 10000/],
    ['mon 8-18: 2.5', /"2.5" is no number of environments/],
    ['weekdays 8-18: 5;', /not <days>/],
    ['daily 8-10: 5; tue 9-11: 2', /two windows overlap on tue/],
  ])('is refused when it is none: %s', (text, message) => {
    expect(() => parseWeeklySchedule(text)).toThrow(message);
  });
});
