import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '../support/command-line.ts';

const FUNCTION = ['--service', '120,300', '--cold', '2500', '--memory', '1769'];
const plan = (...words: readonly string[]) => runCli(['capacity', 'plan', ...words]);

let folder: string;
let trace: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capacity-'));
  trace = join(folder, 'requests.csv');
  const hours = [9, 10, 11, 12, 13].map((hour) => `2026-11-26T${String(hour).padStart(2, '0')}:30:00Z,150`);
  await writeFile(trace, `time,ms\n${hours.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

describe('capacity plan', () => {
  it('prints the cheapest schedule of a trace as the parameter of a deployment', async () => {
    const { exitCode, stdout } = await plan('--trace', trace, '--p99', '800', ...FUNCTION);
    expect(stdout).toMatch(/^5 requests in 1 day$/m);
    expect(stdout).toMatch(/^nothing +100 % +2500 ms +\$0\.01$/m);
    expect(stdout).toContain(
      'npx sls deploy --param="provisionedSchedule=daily 9-14: 1" --param="scheduleTimezone=UTC" --param="scheduleLead=5"',
    );
    expect(exitCode).toBe(0);
  });

  it('takes the times from what advise prints', async () => {
    const advice = join(folder, 'advice.json');
    const choice = { memoryMb: 1024, coldMs: 3000, latencyMs: { p50: 100, p95: 200, mean: 110 } };
    await writeFile(advice, JSON.stringify({ name: 'm', choice }));
    const { json } = await plan('--per-day', '30', '--hours', '8-18', '--p99', '800', '--advice', advice, '--json');
    expect(json).toMatchObject({ memoryMb: 1024, none: { p99Ms: 3000, schedule: '' } });
  });

  it('refuses advice without times', async () => {
    const advice = join(folder, 'no-times.json');
    await writeFile(advice, '{"choice": {"memoryMb": 1024, "coldMs": 3000, "latencyMs": {"p50": 0, "p95": 9}}}');
    const { exitCode, stderr } = await plan('--per-day', '30', '--p99', '800', '--advice', advice);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('is not what advise --json prints')]);
  });

  it('exits with 3, and says why, when nothing keeps the limits', async () => {
    const slow = await plan('--trace', trace, '--p99', '140', ...FUNCTION);
    expect([slow.exitCode, slow.stdout]).toEqual([
      3,
      expect.stringContaining('99 % of the requests to warm environments take up to 150 ms. advise finds a faster'),
    ]);
    const dear = await plan('--trace', trace, '--p99', '800', '--budget', '1', ...FUNCTION);
    expect([dear.exitCode, dear.stdout]).toEqual([
      3,
      expect.stringMatching(/No schedule keeps a p99 of 800 ms for \$1\.00 a month: the cheapest costs \$\d/),
    ]);
  });

  it.each([
    [['--per-day', '5', '--p99=-5', ...FUNCTION], 2, /--p99 is -5, expected milliseconds such as 500/],
    [['--per-day', '5', ...FUNCTION], 2, /--p99 is missing, expected milliseconds/],
    [['--p99', '5', ...FUNCTION], 2, /expected --trace <file.csv> or --per-day <requests>: one of them/],
    [['--per-day', '5', '--p99', '5'], 2, /the times of the function are missing: give --advice <file>/],
    [['--trace', 'none.csv', '--p99', '5', ...FUNCTION], 1, /--trace none.csv cannot be read/],
    [['--per-day', '0', '--p99', '5', ...FUNCTION], 2, /--per-day is 0, expected a number of requests/],
    [['--per-day', '5', '--hours', '18-8', '--p99', '5', ...FUNCTION], 2, /--hours is 18-8, expected hours/],
    [['--per-day', '5', '--p99', '5', '--timezone', 'Mars', ...FUNCTION], 2, /--timezone is Mars, expected a name/],
    [
      ['--per-day', '5', '--p99', '5', '--lead', '2h', ...FUNCTION],
      2,
      /--lead is 2h, expected whole minutes up to 60m/,
    ],
    [['--per-day', '5', '--p99', '5', '--budget', '0', ...FUNCTION], 2, /--budget is 0, expected US dollars/],
    [['--per-day', '5', '--p99', '5', ...FUNCTION, '--service', '300,120'], 2, /--service is 300,120, expected milli/],
    [
      ['--per-day', '5', '--p99', '5', ...FUNCTION, '--cold', '20'],
      2,
      /--cold is 20 ms, less than the 120 ms of a warm/,
    ],
    [['--per-day', '5', '--p99', '5', ...FUNCTION, '--memory', '64'], 2, /--memory is 64, expected MB from 128/],
    [
      ['--per-day', '5', '--p99', '5', '--advice', 'package.json'],
      1,
      /--advice package.json is not what advise --json/,
    ],
  ])('refuses %j', async (words, expected, message) => {
    const { exitCode, stderr } = await plan(...words);
    expect([exitCode, stderr]).toEqual([expected, expect.stringMatching(message)]);
  });

  it('has no other action', async () => {
    expect((await runCli(['capacity', 'show'])).stderr).toContain('capacity show: expected capacity plan');
  });
});
