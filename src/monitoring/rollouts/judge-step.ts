import { quantile, totalOf } from '../histogram.ts';
import { type AutomaticCanary, GUARDS, type StepFacts } from './guards.ts';
import type { StepCounts } from './step-counts.ts';

/** The probability that a canary which is no worse is ever rolled back, over all guards and steps. */
export const FALSE_ROLLBACKS = 0.001;
/** Requests of the canary below which a guard has seen too little to let it go on. */
export const LEAST_REQUESTS = 100;
/** A request is slow when it takes longer than this share of the stable version's. A slow canary would raise a limit of both. */
const USUAL_SHARE = 0.95;

/** The next action for a canary, with its reason. */
export type Decision =
  | { readonly action: 'wait' | 'rollback' | 'promote'; readonly note: string }
  | { readonly action: 'raise'; readonly weight: number; readonly note: string }
  | { readonly action: 'time'; readonly slowMs: number; readonly note: string };

/** The limit of slow requests; undefined while too few have been timed. */
const slowLimit = ({ latencyMs }: StepCounts): number | undefined => {
  if (totalOf(latencyMs) < LEAST_REQUESTS) return undefined;
  const usualMs = quantile(latencyMs, USUAL_SHARE);
  return usualMs === undefined ? undefined : Number(usualMs.toPrecision(3));
};

const inMinutes = (ms: number): string => `${Math.ceil(ms / 60_000)} min`;

/**
 * Decides about a canary by the counts of its step alone. A guard that has seen too little, or that is not known, never lets the canary go on.
 * The test is valid however often it is looked at; its error is shared out to the guards and the steps.
 */
export const judgeStep = (canary: AutomaticCanary, counts: StepFacts, nowMs: number): Decision => {
  const { plan, weight } = canary;
  const limit = Math.log(Math.max(1, plan.guards.length * plan.steps.length) / FALSE_ROLLBACKS);
  const judged = plan.guards.map((name) => ({ name, judgement: GUARDS[name]?.(counts, canary) }));
  for (const { name, judgement } of judged)
    if (judgement && judgement.logEvidence >= limit) return { action: 'rollback', note: `${name}: ${judgement.text}` };

  const wait = (note: string): Decision => ({ action: 'wait', note });
  const slowMs = plan.guards.includes('latency') && plan.slowMs === undefined ? slowLimit(counts) : undefined;
  if (slowMs !== undefined)
    return {
      action: 'time',
      slowMs,
      note: `slow is above ${slowMs} ms, which ${USUAL_SHARE * 100} % of the stable version's requests keep`,
    };
  for (const { name, judgement } of judged) {
    if (judgement === undefined) return wait(`the guard ${name} is not known here`);
    const { problem, requests, kind = 'requests' } = judgement;
    if (problem !== undefined) return wait(`${name}: ${problem}`);
    if (requests < LEAST_REQUESTS) return wait(`${name}: ${requests} of ${LEAST_REQUESTS} ${kind} are counted`);
  }
  if (judged.length === 0) return wait('the plan has no guard');
  const next = plan.steps.find((step) => step > weight);
  if (next === undefined) return wait('the last step is reached');
  const restMs = Date.parse(plan.since) + plan.holdMs - nowMs;
  if (!(restMs <= 0)) return wait(`the step is held for another ${inMinutes(restMs)}`);
  const note = judged.map(({ name, judgement }) => `${name}: ${judgement?.text}`).join('; ');
  return next >= 1 ? { action: 'promote', note } : { action: 'raise', weight: next, note };
};
