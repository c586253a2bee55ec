import { stepPrefix } from '../../repository/keys.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { automaticCanary } from './guards.ts';
import { type Decision, judgeStep } from './judge-step.ts';
import { readCounts } from './read-counts.ts';
import type { StepCounts } from './step-counts.ts';

/** The state of an automatic canary: what the monitor would do now, and the counts of the step. */
export type RolloutState = Decision & { readonly counts: StepCounts };

/** Undefined without an automatic canary. */
export const readRollout = async (
  data: ObjectStore,
  name: string,
  routing: Routing,
  nowMs: number,
): Promise<RolloutState | undefined> => {
  const canary = automaticCanary(routing);
  if (canary === undefined) return undefined;
  const counts = await readCounts(data, stepPrefix(name, canary.version, canary.plan.since), () => {});
  return { ...judgeStep(canary, counts, nowMs), counts };
};
