import type { PlanOptions } from '../../src/monitoring/rollouts/plan.ts';
import type { Options, Values } from '../command.ts';
import { parseDuration } from './duration.ts';
import { misuse } from './misuse.ts';
import { parseShare } from './routing-change.ts';

/** Options of an automatic canary. */
export const PLAN_OPTIONS = {
  until: {
    type: 'string',
    value: '<share>',
    description: 'with --auto: the last weight; 100% makes the version stable',
  },
  steps: { type: 'string', value: '<percents>', description: 'with --auto: weights, such as 5,25,50,100' },
  hold: { type: 'string', value: '<time>', description: 'with --auto: least time at each weight, 30m by default' },
  guard: {
    type: 'string',
    value: '<names>',
    description: 'with --auto: errors,refusals,latency by default; disagreement, or disagreement=20%, accuracy, drift',
  },
  callers: {
    type: 'string',
    value: '<holders>',
    description: 'with --auto: only requests of these holders of keys count',
  },
} as const satisfies Options;

const list = (text: string): string[] => text.split(',').map((word) => word.trim());

/** @throws `INVALID_REQUEST` for anything but percents: 0.05 may be meant as 5 % or as 0.05 % */
const parseStep = (text: string): number => {
  const [, digits] = /^(\d{1,3}(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (digits !== undefined && (Number(digits) >= 1 || text.endsWith('%'))) return Number(digits) / 100;
  misuse(`--steps has ${text || 'nothing'}, expected percents such as 5,25,50,100`);
};

/** `errors`, `latency`, or `disagreement=20%`. */
const parseGuards = (text: string): Pick<PlanOptions, 'guards' | 'disagreement'> => {
  const words = list(text).map((word) => word.split('='));
  const disagreement = words.find(([name]) => name === 'disagreement')?.[1];
  const other = words.find(([name, bound]) => bound !== undefined && name !== 'disagreement');
  if (other) misuse(`--guard has ${other.join('=')}, only disagreement takes a share`);
  return {
    guards: words.map(([name = '']) => name),
    ...(disagreement !== undefined && { disagreement: parseShare('--guard disagreement', disagreement) }),
  };
};

/** The options of an automatic canary that were given. @throws `INVALID_REQUEST` */
export const parsePlan = ({
  until,
  steps,
  hold,
  guard,
  callers,
}: Values<typeof PLAN_OPTIONS>): Omit<PlanOptions, 'version'> => ({
  ...(until !== undefined && { until: parseShare('--until', until) }),
  ...(steps !== undefined && { steps: list(steps).map(parseStep) }),
  ...(hold !== undefined && { holdMs: parseDuration('--hold', hold) }),
  ...(guard !== undefined && parseGuards(guard)),
  ...(callers !== undefined && { callers: list(callers) }),
});

/** @throws `INVALID_REQUEST` for an option that only an automatic canary has */
export const refusePlan = (values: Values<typeof PLAN_OPTIONS>): void => {
  const [name] = Object.keys(PLAN_OPTIONS).filter((option) => Object.hasOwn(values, option));
  if (name !== undefined) misuse(`--${name} needs --auto`);
};
