import { messageOf } from '../../src/core/message-of.ts';
import { type NextRun, parseCron } from './cron.ts';

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

const parseRate = (text: string): NextRun | undefined => {
  const [, count = '', unit = '', plural] = /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(text) ?? [];
  const periodMs = Number(count) * (UNIT_MS[unit] ?? 0);
  // AWS says `1 hour` and `2 hours`, and refuses the rest.
  if (periodMs === 0 || (count === '1') !== (plural === '')) return undefined;
  return (after) => new Date(after.getTime() + periodMs);
};

/** Reads `rate(…)` or `cron(…)` as EventBridge does, in UTC. @throws Error naming the expression */
export const parseSchedule = (expression: string): NextRun => {
  const [, form, text = ''] = /^(rate|cron)\((.*)\)$/.exec(expression) ?? [];
  const refuse = (expected: string): never => {
    throw new Error(`${expression} is no schedule: expected ${expected}`);
  };
  if (form === 'rate') return parseRate(text) ?? refuse('rate(1 minute), rate(5 hours), rate(7 days)');
  if (form !== 'cron') return refuse('rate(<count> <unit>) or cron(<six fields>)');
  try {
    return parseCron(text);
  } catch (error) {
    return refuse(messageOf(error));
  }
};
