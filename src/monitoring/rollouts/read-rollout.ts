import { stepPrefix } from '../../repository/keys.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import { automaticCanary, type StepFacts } from './guards.ts';
import { type Decision, judgeStep } from './judge-step.ts';
import { needsAnswers, type RolloutSources, readAnswers } from './read-answers.ts';
import { readCounts } from './read-counts.ts';

/** The facts of the step of an automatic canary, and what the monitor would do now. */
export interface RolloutState {
  readonly decision: Decision;
  readonly counts: StepFacts;
}

/** Undefined without an automatic canary. @throws `MODEL_UNAVAILABLE` */
export const readRollout = async (
  sources: RolloutSources,
  name: string,
  routing: Routing,
): Promise<RolloutState | undefined> => {
  const canary = automaticCanary(routing);
  if (canary === undefined) return undefined;
  const { data, nowMs, onBroken } = sources;
  const counts = await readCounts(data, stepPrefix(name, canary.version, canary.plan.since), onBroken);
  const answers = needsAnswers(canary.plan) ? await readAnswers(sources, name, routing, canary) : undefined;
  const facts = { ...counts, ...(answers && { answers }) };
  return { decision: judgeStep(canary, facts, nowMs), counts: facts };
};
