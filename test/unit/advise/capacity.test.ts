import { describe, expect, it } from '@jest/globals';
import { type PlanOptions, planCapacity } from '../../../src/advise/capacity/plan-capacity.ts';
import { withServiceTimes } from '../../../src/advise/capacity/service-times.ts';
import { simulate } from '../../../src/advise/capacity/simulate.ts';
import { describeSlots } from '../../../src/advise/capacity/slots.ts';
import { parseTrace, poissonDay } from '../../../src/advise/capacity/trace.ts';
import { withOverrides } from '../../../src/advise/prices.ts';
import { createRandom } from '../../../src/core/random.ts';
import { parseCapacity } from '../../../src/deployment/capacity.ts';

const HOUR_MS = 3_600_000;
const TIMES = { coldMs: 2000, idleMs: 600_000 };
const OPTIONS: PlanOptions = {
  ...{ times: TIMES, memoryMb: 1024, prices: withOverrides({}), limitMs: 500, timezone: 'UTC', leadMinutes: 5 },
};
const at = (...times: readonly number[]) => times.map((atMs) => ({ atMs, serviceMs: 100 }));
const coldOf = (...times: readonly number[]) => simulate(at(...times), TIMES, () => 0).map(({ isCold }) => isCold);

describe('a simulated function', () => {
  it('starts an environment for each request at the same time, and none for one after the other', () => {
    expect(coldOf(0, 0, 0)).toEqual([true, true, true]);
    expect(coldOf(0, 3000, 6000)).toEqual([true, false, false]);
    // The first is still starting.
    expect(coldOf(0, 1999, 2000)).toEqual([true, true, false]);
  });

  it('ends an environment that had nothing to do for too long, and prefers the one that was used last', () => {
    expect(coldOf(0, 1999 + 600_000)).toEqual([true, false]);
    expect(coldOf(0, 2001 + 600_000)).toEqual([true, true]);
    // Of two, one is used again and again, and the other ends.
    expect(coldOf(0, 0, 500_000, 900_000, 900_000)).toEqual([true, true, false, false, true]);
  });

  it('has no cold start that is faster than the warm request', () => {
    const [first] = simulate([{ atMs: 0, serviceMs: 9000 }], TIMES, () => 0);
    expect(first).toMatchObject({ isCold: true, latencyMs: 9000 });
  });

  it('has no cold start within what is kept', () => {
    const simulated = simulate(at(0, 0, 0, 5000), TIMES, () => 2);
    expect(simulated.map(({ isCold, isKept }) => [isCold, isKept])).toEqual([
      ...[
        [false, true],
        [false, true],
        [true, false],
        [false, true],
      ],
    ]);
  });

  it('has the share of cold starts that theory gives for requests by chance', () => {
    // With one environment at a time, a request is cold when the pause before it was longer than the idle time: exp(-rate * idle).
    const requests = poissonDay(288, [0, 24]).map(({ atMs }) => ({ atMs, serviceMs: 0 }));
    const long = Array.from({ length: 100 }, (_, day) =>
      requests.map(({ atMs }) => ({ atMs: atMs + day * 24 * HOUR_MS, serviceMs: 0 })),
    );
    const simulated = simulate(long.flat(), { coldMs: 0, idleMs: 300_000 }, () => 0);
    const share = simulated.filter(({ isCold }) => isCold).length / simulated.length;
    expect(Math.abs(share - Math.exp(-1))).toBeLessThan(0.05);
  });
});

describe('a plan of capacity', () => {
  const office = withServiceTimes(poissonDay(40, [8, 18]), { p50: 100, p95: 200 });

  it('keeps environments in the hours that need them, in words that a deployment takes', () => {
    const { none, choice, always } = planCapacity(office, OPTIONS);
    expect(none.p99Ms).toBe(2000);
    expect(choice?.p99Ms).toBeLessThanOrEqual(500);
    expect(choice?.schedule).toMatch(/^daily 8-/);
    expect(choice?.dollarsPerMonth).toBeLessThan(always?.dollarsPerMonth ?? 0);
    const settings = { provisioned: 0, timezone: 'UTC', leadMinutes: 5, most: 0, utilisation: 0.7 };
    const others = { uploads: 5, jobs: 2, webhooks: 2, account: 10 };
    expect(parseCapacity({ ...settings, ...others, schedule: choice?.schedule }).windows.length).toBeGreaterThan(0);
  });

  it('speaks of the hours of its time zone', () => {
    const { choice } = planCapacity(office, { ...OPTIONS, timezone: 'Asia/Tokyo' });
    expect(choice?.schedule).toMatch(/daily 17-/);
  });

  it('counts days from the first request, not from midnight of UTC', () => {
    const dollarsOf = (shiftMs: number) => {
      const requests = office.map(({ atMs, serviceMs }) => ({ atMs: atMs + shiftMs, serviceMs }));
      const { days, none } = planCapacity(requests, OPTIONS);
      return [days, none.dollarsPerMonth];
    };
    expect(dollarsOf(10 * HOUR_MS)).toEqual(dollarsOf(0));
  });

  it('tells weekends from weekdays when there is a week', () => {
    const week = [0, 1, 2, 3, 4, 5, 6].flatMap((day) => {
      const requests = day < 5 ? office : office.slice(0, 2);
      return requests.map(({ atMs, serviceMs }) => ({ atMs: atMs + day * 24 * HOUR_MS, serviceMs }));
    });
    const { days, choice } = planCapacity(week, OPTIONS);
    expect([days, choice?.schedule]).toEqual([7, expect.stringMatching(/^weekdays 8-/)]);
  });

  it('keeps nothing when cold starts are few or fast enough', () => {
    expect(planCapacity(office, { ...OPTIONS, limitMs: 2000 }).choice?.schedule).toBe('');
    const many = withServiceTimes(poissonDay(20_000, [0, 24]), { p50: 100, p95: 200 });
    expect(planCapacity(many, OPTIONS).choice?.schedule).toBe('');
  });

  it('simulates many requests a few times, however many environments their bursts need', () => {
    // Four bursts a day, three minutes long, of 270 requests at the same time.
    const random = createRandom(17);
    const requests = Array.from({ length: 80_000 }, (_, index) => {
      const burst = Math.floor(index / 20_000);
      return {
        atMs: burst * 6 * HOUR_MS + ((index % 20_000) / 20_000) * 0.05 * HOUR_MS,
        serviceMs: 2_000 + 900 * random(),
      };
    });
    const times = { coldMs: 20_000, idleMs: 1_000 };
    const { choice, always, simulations } = planCapacity(requests, { ...OPTIONS, times, limitMs: 3_000 });
    expect(always?.schedule).toMatch(/^daily 0-24: [23]\d\d$/);
    expect(choice?.p99Ms).toBeLessThanOrEqual(3_000);
    expect(choice?.dollarsPerMonth).toBeLessThan(always?.dollarsPerMonth ?? 0);
    expect(simulations).toBeLessThan(80);
  });

  it('has no schedule for a p99 below the time of warm requests', () => {
    const { choice, warmP99Ms } = planCapacity(office, { ...OPTIONS, limitMs: 90 });
    expect(choice).toBeUndefined();
    expect(warmP99Ms).toBeGreaterThan(90);
  });

  it('describes equal days once', () => {
    const hours = (count: number, from: number, to: number) =>
      Array.from({ length: 24 }, (_, hour) => (hour >= from && hour < to ? count : 0));
    const classes = ['weekdays', 'weekends'] as const;
    expect(describeSlots(classes, [...hours(2, 8, 18), ...hours(2, 8, 18)])).toBe('daily 8-18: 2');
    expect(describeSlots(classes, [...hours(2, 8, 18), ...hours(1, 0, 24)])).toBe('weekdays 8-18: 2; weekends 0-24: 1');
  });
});

describe('a trace', () => {
  it('has times as dates or seconds, and perhaps the time of each request', () => {
    const text = 'id,time,ms\na,2026-11-26T08:00:00.5Z,35\r\nb,2026-11-26 09:00:01+01:00,40.5\n';
    const start = Date.parse('2026-11-26T08:00:00Z');
    expect(parseTrace(text, 't')).toEqual([
      { atMs: start + 500, serviceMs: 35 },
      { atMs: start + 1000, serviceMs: 40.5 },
    ]);
    expect(parseTrace('time\n1.5\n', 't')).toEqual([{ atMs: 1500 }]);
  });

  it.each([
    ['', /^t, line 1: it is empty; expected a header "time"/],
    ['when\n1\n', /^t, line 1: the header is "when"/],
    ['time\n', /^t has no requests/],
    ['time\n2\n1\n', /^t, line 3: it is earlier than the line before; sort the file by time/],
    ['time\n1\n\n2\n', /^t, line 3: "" is no time with its zone/],
    ['time\n2026-11-26T08:00:00\n', /^t, line 2: "2026-11-26T08:00:00" is no time with its zone/],
    ['time\n2026-13-26T08:00:00Z\n', /^t, line 2: "2026-13-26T08:00:00Z" is no time/],
    ['time,ms\n1,2\n2\n', /^t, line 3: it has 1 cells, the header has 2/],
    ['time,ms\n1,-2\n', /^t, line 2: "-2" is no number of milliseconds/],
    ['time,ms\n1,NaN\n', /^t, line 2: "NaN" is no number of milliseconds/],
    [`time,ms\n1,${'9'.repeat(400)}\n`, /^t, line 2: "9+… is no number of milliseconds/],
    ['time\n0\n99999999999\n', /^t has requests of 1157408 days, expected at most 366/],
  ])('is refused by its line: %j', (text, message) => {
    expect(() => parseTrace(text, 't')).toThrow(message);
  });
});
