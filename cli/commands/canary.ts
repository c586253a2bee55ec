import { ServingError } from '../../src/core/errors.ts';
import { planCanary, startCanary } from '../../src/monitoring/rollouts/plan.ts';
import type { RoutingChanger } from '../../src/repository/routing/change-routing.ts';
import { setCanary } from '../../src/repository/routing/rollout.ts';
import { defineCommand, type Values } from '../command.ts';
import { PLAN_OPTIONS, parsePlan, refusePlan } from '../options/canary-plan.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { parseVersionNumber } from '../options/model-reference.ts';
import { CHANGE_OPTIONS, changeModel, parseShare, readHistory } from '../options/routing-change.ts';

const OPTIONS = {
  weight: { type: 'string', value: '<share>', description: 'such as 10% or 0.1' },
  auto: { type: 'boolean', description: 'let the monitor raise the weight, or roll the version back' },
  ...PLAN_OPTIONS,
  off: { type: 'boolean', description: 'end it: the stable version answers everything' },
  ...CHANGE_OPTIONS,
} as const;

/** @throws `INVALID_REQUEST` for options that do not go together */
const toChange = (text: string, values: Values<typeof OPTIONS>): RoutingChanger => {
  const version = parseVersionNumber(text);
  if (!values.auto) {
    refusePlan(values);
    return setCanary({ version, weight: parseShare('--weight', values.weight) });
  }
  const weight = values.weight === undefined ? undefined : parseShare('--weight', values.weight);
  return startCanary(fromWords(() => planCanary({ version, weight, ...parsePlan(values) }, new Date())));
};

export const canary = defineCommand({
  summary: 'let a version answer a share of the requests',
  description: `A version answers a share of what the stable one would. Requests with the same x-routing-key get the same version. promote makes it
the stable one; --off ends it. With --auto, the function monitor decides once a minute: it raises the weight step by step, or goes back
when the version fails more, is slower, or answers something else (docs/rollout.md).`,
  positionals: ['model', 'version?'],
  options: OPTIONS,
  onInterruption: readHistory,
  async run({ positionals: [name = '', version], values, target, terminal }) {
    if ((version === undefined) !== (values.off ?? false))
      misuse('name either a version, with --weight or --auto, or --off');
    if (version === undefined) return changeModel({ values, target, terminal }, name, 'canary', setCanary(undefined));
    const change = toChange(version, values);
    const { buckets, description } = await target();
    if (values.auto && buckets === undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        `--auto needs the function monitor, which ${description} has not: act on npm start, or on a stage with --stage`,
      );
    return changeModel({ values, target, terminal }, name, 'canary', change);
  },
});
