import { ServingError } from '../../core/errors.ts';
import { shorten } from '../../core/show.ts';
import { toPercent } from '../../core/to-percent.ts';
import type { RoutingChanger } from '../../repository/routing/change-routing.ts';
import { changing, setCanary } from '../../repository/routing/rollout.ts';
import { type AutomaticCanary, GUARDS } from './guards.ts';
import { needsAnswers } from './read-answers.ts';

/** The wishes of a person for an automatic canary. Shares lie between 0 and 1. */
export interface PlanOptions {
  readonly version: number;
  readonly weight?: number | undefined;
  readonly until?: number | undefined;
  readonly steps?: readonly number[] | undefined;
  readonly holdMs?: number | undefined;
  readonly guards?: readonly string[] | undefined;
  readonly disagreement?: number | undefined;
  readonly callers?: readonly string[] | undefined;
}

const DEFAULT_STEPS = [0.05, 0.25, 0.5, 1];
const DEFAULT_HOLD_MS = 1_800_000;
const DEFAULT_GUARDS = ['errors', 'refusals', 'latency'];
/** Share of the requests that the shadow of a guard on disagreement runs on. */
const SHADOW_RATE = 0.1;

const refuse = (problem: string): never => {
  throw new ServingError('INVALID_REQUEST', problem);
};

const inPercent = (...shares: readonly number[]): string => shares.map(toPercent).join(',');

/** Steps from the first weight up to the last one. @throws `INVALID_REQUEST` */
const stepsOf = ({ weight, until, steps = DEFAULT_STEPS }: PlanOptions): number[] => {
  if (steps.some((step, index) => !(step > (steps[index - 1] ?? 0) && step <= 1)))
    refuse(`the steps are ${inPercent(...steps)}, expected percents that rise up to 100, such as 5,25,50,100`);
  const first = weight ?? steps[0] ?? 0;
  const last = until ?? steps.at(-1) ?? 1;
  if (!(first > 0 && first < 1))
    refuse(
      `the first weight is ${inPercent(first)} %, expected one between 0 and 100 %: the stable version has to answer, too`,
    );
  if (last < first)
    refuse(`the canary would end at ${inPercent(last)} %, below its first weight of ${inPercent(first)} %`);
  const between = steps.filter((step) => step > first && step < last);
  return last === first ? [first] : [first, ...between, last];
};

/** @throws `INVALID_REQUEST` naming those that there are */
const guardsOf = ({ guards = DEFAULT_GUARDS }: PlanOptions): string[] => {
  const unknown = guards.find((name) => !Object.hasOwn(GUARDS, name));
  if (guards.length > 0 && unknown === undefined) return [...new Set(guards)];
  return refuse(`the guard ${shorten(unknown ?? '')} is not known, expected ${Object.keys(GUARDS).join(', ')}`);
};

/** The first step of an automatic canary. @throws `INVALID_REQUEST` for a plan that cannot be carried out */
export const planCanary = (options: PlanOptions, now: Date): AutomaticCanary => {
  const { version, holdMs = DEFAULT_HOLD_MS, disagreement, callers } = options;
  const steps = stepsOf(options);
  const plan = {
    ...{ since: now.toISOString(), steps, holdMs, guards: guardsOf(options) },
    ...(disagreement !== undefined && { disagreement }),
    ...(callers && { callers: [...callers] }),
  };
  return { version, weight: steps[0] ?? 0, plan };
};

/**
 * Starts an automatic canary. A guard on disagreement gets the shadow that it needs.
 * @throws `INVALID_REQUEST` when another version is the shadow
 */
export const startCanary = (canary: AutomaticCanary): RoutingChanger =>
  changing((current) => {
    const { version, plan } = canary;
    if (needsAnswers(plan) && !current.captured)
      refuse(
        'the guards accuracy and drift look at captured answers, and none are captured: npx onnx-serverless monitor <model> --capture 100%',
      );
    const next = setCanary(canary)(current);
    if (next === undefined || !plan.guards.includes('disagreement')) return next ?? current;
    if (next.shadow && next.shadow.version !== version)
      refuse(
        `version ${next.shadow.version} is the shadow, and disagreement needs it for version ${version}: end it first`,
      );
    return { ...next, shadow: next.shadow ?? { version, rate: SHADOW_RATE } };
  });
