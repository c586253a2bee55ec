import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { DEFAULT_REGION, LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { show } from '../../src/core/show.ts';
import type { Clock } from '../schedule/clock.ts';
import type { NextRun } from '../schedule/cron.ts';
import { parseSchedule } from '../schedule/schedule-expression.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';

const scheduleSchema = v.strictObject(
  {
    rate: v.union(
      [v.string(), v.array(v.string())],
      ({ input }) => `${show(input)}, expected rate(…), cron(…) or a list of them`,
    ),
    enabled: v.optional(v.boolean(), true),
    name: v.optional(v.string()),
    description: v.optional(v.string()),
    input: v.optional(v.union([v.string(), v.record(v.string(), v.unknown())])),
  },
  ({ input }) => `${show(input)}, expected rate(…), cron(…) or { rate, enabled, name, description, input }`,
);

/** Text is JSON, too. */
const readInput = (input: unknown): unknown => {
  if (typeof input !== 'string') return input;
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new Error(`the input ${show(input)} is not JSON`, { cause: error });
  }
};

/** EventBridge's scheduled event. */
const toEvent = (rule: string, time: Date) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: LOCAL_ACCOUNT,
  time: time.toISOString().replace(/\.\d+/, ''),
  region: DEFAULT_REGION,
  resources: [`arn:aws:events:${DEFAULT_REGION}:${LOCAL_ACCOUNT}:rule/${rule}`],
  detail: {},
});

/** Calls `run` at each time of the schedule, the first one after now. @returns a function that ends it */
const repeat = (clock: Clock, nextRun: NextRun, run: (time: Date) => void): (() => void) => {
  let cancel = (): void => undefined;
  const wait = (after: Date): void => {
    const time = nextRun(after);
    if (time === undefined) return;
    cancel = clock.at(time, () => {
      run(time);
      // A machine that slept does not make up for the runs it missed.
      wait(new Date(Math.max(time.getTime(), clock.now().getTime())));
    });
  };
  wait(clock.now());
  return () => cancel();
};

/** Schedules, in UTC. None runs at the start. */
export const scheduleEvents: EventKind = (events) => {
  const schedules = readEach(events, (value) => {
    const settings = typeof value === 'string' ? { rate: value } : value;
    const { rate, enabled, name, input } = parseSettings(scheduleSchema, settings);
    const runs = [rate].flat().map((expression) => ({ expression, nextRun: parseSchedule(expression) }));
    return { runs: enabled ? runs : [], name, input: readInput(input) };
  }).flatMap(({ runs, ...rest }) => runs.map((run) => ({ ...run, ...rest })));

  return async ({ clock, invocable, onFailure }) => {
    const endings = schedules.map(({ functionName, name = `${functionName}-schedule`, nextRun, input }) =>
      repeat(clock, nextRun, (time) => {
        const event = input === undefined ? toEvent(name, time) : input;
        invocable(functionName)
          .invoke(event)
          .catch((error: unknown) => onFailure(functionName, error));
      }),
    );
    return {
      served: schedules.map(({ functionName, expression }) => ({ functionName, description: expression })),
      stop: async () => {
        for (const end of endings) end();
      },
    };
  };
};
