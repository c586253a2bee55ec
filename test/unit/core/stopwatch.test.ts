import { afterEach, expect, jest, test } from '@jest/globals';
import { startStopwatch } from '../../../src/core/stopwatch.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a stopwatch adds up its steps, and says the same times once it was stopped', () => {
  const now = jest.spyOn(performance, 'now').mockReturnValue(0);
  const cpu = jest.spyOn(process, 'cpuUsage').mockReturnValue({ user: 0, system: 0 });
  const stopwatch = startStopwatch<'run'>();
  now.mockReturnValue(10);
  stopwatch.lap('run');
  now.mockReturnValue(15);
  stopwatch.lap('run');
  expect(stopwatch.stepsMs).toEqual({ run: 15 });
  expect(stopwatch.beginsMs).toEqual({ run: 0 });

  cpu.mockReturnValue({ user: 3_000, system: 1_000 });
  expect([stopwatch.totalMs(), stopwatch.cpuMs()]).toEqual([15, 4]);
  stopwatch.stop();
  now.mockReturnValue(99);
  cpu.mockReturnValue({ user: 9_000, system: 9_000 });
  stopwatch.stop();
  expect([stopwatch.totalMs(), stopwatch.cpuMs()]).toEqual([15, 4]);
});
