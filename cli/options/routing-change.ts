import { whoami } from '../../src/authoring/whoami.ts';
import { changeRouting, type RoutingChanger } from '../../src/repository/routing/change-routing.ts';
import type { RoutingChange, Targets } from '../../src/repository/routing/routing.ts';
import type { Invocation, Options, Report } from '../command.ts';
import { formatShare } from '../output/format.ts';
import { misuse } from './misuse.ts';
import { parseModelName } from './model-reference.ts';

/** Options of every command that changes the routing. */
export const CHANGE_OPTIONS = {
  note: { type: 'string', value: '<text>', description: 'reason, for the history' },
  'dry-run': { type: 'boolean', description: 'report the changes without making them' },
} as const satisfies Options;

/** `10%` or `0.1`. @throws `INVALID_REQUEST` */
export const parseShare = (option: string, text: string | undefined, whole = 'the requests'): number => {
  const [, digits, percent] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text ?? '') ?? [];
  const share = Number(digits) / (percent ? 100 : 1);
  if (share >= 0 && share <= 1) return share;
  misuse(
    `${option} ${text === undefined ? 'is missing' : `is ${text}`}, expected a share of ${whole} such as 10% or 0.1`,
  );
};

/** The rest of a canary's way, if the monitor goes it. */
const describePlan = ({ weight, plan }: NonNullable<Targets['canary']>): string => {
  if (plan === undefined) return '';
  const { slowMs } = plan;
  return ` (by itself to ${formatShare(plan.steps.at(-1) ?? weight)}${slowMs === undefined ? '' : `, slow above ${slowMs} ms`})`;
};

/** Each place that requests go to, by name: `{stable: '3', canary: '4 at 10 %', 'alias best': '2'}`. */
export const describeTargets = ({ stable, canary, shadow, aliases }: Targets): Record<string, string> => ({
  stable: String(stable),
  ...(canary && { canary: `${canary.version} at ${formatShare(canary.weight)}${describePlan(canary)}` }),
  ...(shadow && { shadow: `${shadow.version} at ${formatShare(shadow.rate)}` }),
  ...Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [`alias ${alias}`, String(version)])),
});

/** `stable 1 → 2, canary 2 at 10 % → none`; empty when both are the same. */
export const describeChange = ({ from, to }: Pick<RoutingChange, 'from' | 'to'>): string => {
  const before = from ? describeTargets(from) : {};
  const after = describeTargets(to);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((place) => before[place] !== after[place])
    .map((place) => `${place} ${before[place] ?? 'none'} → ${after[place] ?? 'none'}`)
    .join(', ');
};

/** Advice for whoever interrupts a command that changes the routing. */
export const readHistory = (_typed: string, [, name = '<model>']: readonly string[]): string =>
  `Interrupted. The history has the change, if it was made: npx onnx-serverless history ${name}\n`;

/** Runs a command that changes the routing of the model `name`. @throws `INVALID_REQUEST`, `NOT_FOUND`, `MODEL_UNAVAILABLE` */
export const changeModel = async (
  { values, target, terminal }: Pick<Invocation<typeof CHANGE_OPTIONS>, 'values' | 'target' | 'terminal'>,
  name: string,
  action: string,
  change: RoutingChanger,
): Promise<Report> => {
  parseModelName(name);
  const { repository, buckets } = await target();
  const { routing } = await repository.routing(name);
  const dryRun = values['dry-run'] ?? false;
  const reason = { by: whoami(), action, note: values.note ?? '', dryRun };
  const changed = await changeRouting(repository, name, reason, change);
  const { from, to } = changed ?? { from: routing, to: routing };
  const { stable, canary, shadow, aliases } = to;
  const json = { name, changed: changed !== undefined, dryRun, routing: { stable, canary, shadow, aliases } };
  if (changed === undefined) return { json, text: `${name} stays as it is` };
  if (buckets && !dryRun)
    terminal.note(
      'Warm functions follow within their routing time to live: 30 s, unless the stage parameter routingTtl is another',
    );
  return { json, text: `${dryRun ? 'Would change ' : ''}${name}: ${describeChange({ from, to })}` };
};
