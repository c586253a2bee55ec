import { planCapacity } from '../../src/advise/capacity/plan-capacity.ts';
import { withServiceTimes } from '../../src/advise/capacity/service-times.ts';
import { parsePrices, withOverrides } from '../../src/advise/prices.ts';
import { isTimezone } from '../../src/deployment/timezone.ts';
import { defineCommand } from '../command.ts';
import { parseAmount, readArrivals, readMeasuredFunction } from '../options/capacity-options.ts';
import { parseDuration } from '../options/duration.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { formatPlan } from '../output/format-capacity.ts';

/** The exit code when no schedule keeps the limits. */
const NOTHING_KEEPS = 3;
/** Lambda promises no time; functions are seen to keep idle environments for five to fifteen minutes. */
const DEFAULT_IDLE = '10m';
const MOST_LEAD_MINUTES = 60;
const DEFAULT_LEAD = '5m';
const MINUTE_MS = 60_000;

const parseTimezone = (text: string): string =>
  isTimezone(text) ? text : misuse(`--timezone is ${text}, expected a name such as Europe/Berlin or UTC`);

const parseLead = (text: string): number => {
  const minutes = parseDuration('--lead', text) / MINUTE_MS;
  if (Number.isInteger(minutes) && minutes <= MOST_LEAD_MINUTES) return minutes;
  return misuse(`--lead is ${text}, expected whole minutes up to ${MOST_LEAD_MINUTES}m`);
};

export const capacity = defineCommand({
  summary: 'find the cheapest schedule of provisioned concurrency for your requests',
  description: `Simulates the requests of a trace, or of a day by chance, against the times of a function: capacity plan. Says the share of cold starts,
the p99 and the cost, and the cheapest schedule that keeps --p99, as the parameter of a deployment. Exits with 3 when none does.`,
  positionals: ['action'],
  options: {
    trace: {
      type: 'string',
      value: '<file.csv>',
      description: 'a column time, and perhaps ms with the time of a warm request',
    },
    'per-day': {
      type: 'string',
      value: '<requests>',
      description: 'a day whose requests come by chance, instead of a trace',
    },
    hours: { type: 'string', value: '<from>-<to>', description: 'hours of UTC in which they come (default: 0-24)' },
    advice: { type: 'string', value: '<file>', description: 'the times and the memory that advise --json printed' },
    service: { type: 'string', value: '<ms,ms>', description: 'middle and 95th percentile of a warm request' },
    cold: { type: 'string', value: '<ms>', description: 'first answer of a new environment' },
    memory: { type: 'string', value: '<MB>', description: 'memory of the function' },
    p99: { type: 'string', value: '<ms>', description: 'most that 99 % of the requests may take' },
    budget: { type: 'string', value: '<dollars>', description: 'most dollars a month, of Lambda alone' },
    idle: {
      type: 'string',
      value: '<time>',
      description: `time that an idle environment lives (default: ${DEFAULT_IDLE})`,
    },
    timezone: { type: 'string', value: '<zone>', description: 'time zone of the schedule (default: UTC)' },
    lead: {
      type: 'string',
      value: '<time>',
      description: `time by which its environments start earlier (default: ${DEFAULT_LEAD})`,
    },
    price: {
      type: 'string',
      multiple: true,
      value: '<name>=<dollars>',
      description: "another price than the table's (see docs/choosing.md)",
    },
  },
  async run({ positionals: [action = ''], values }) {
    if (action !== 'plan') return misuse(`capacity ${action}: expected capacity plan`);
    const limitMs = parseAmount('p99', values.p99 ?? 'missing', 'milliseconds such as 500');
    const budget =
      values.budget === undefined ? undefined : parseAmount('budget', values.budget, 'US dollars a month such as 20');
    const { service, coldMs, memoryMb } = await readMeasuredFunction(values);
    const prices = withOverrides(fromWords(() => parsePrices(values.price ?? [])));
    const idleMs = parseDuration('--idle', values.idle ?? DEFAULT_IDLE);
    const report = {
      ...{
        limitMs,
        memoryMb,
        timezone: parseTimezone(values.timezone ?? 'UTC'),
        leadMinutes: parseLead(values.lead ?? DEFAULT_LEAD),
      },
      ...(budget !== undefined && { budget }),
    };
    const requests = withServiceTimes(await readArrivals(values), service);
    const plan = planCapacity(requests, { ...report, times: { coldMs, idleMs }, prices });
    const keeps = plan.choice !== undefined && plan.choice.dollarsPerMonth <= (budget ?? Number.POSITIVE_INFINITY);
    return { text: formatPlan(plan, report), json: { ...plan, ...report }, exitCode: keeps ? 0 : NOTHING_KEEPS };
  },
});
