import { createRandom } from '../../../src/core/random.ts';
import type { AutomaticCanary } from '../../../src/monitoring/rollouts/guards.ts';
import { judgeStep } from '../../../src/monitoring/rollouts/judge-step.ts';
import { type ArmCounts, noCounts, type StepCounts } from '../../../src/monitoring/rollouts/step-counts.ts';

/**
 * Canaries that are looked at again and again. The plan never raises the weight, so that each has its 20,000 requests in one step: that is the
 * hardest case for a test that must not fire.
 */

export const REQUESTS = 20_000;
/** The same simulations in the same order have the same outcomes. */
export const random = createRandom(14);

export const canaryOf = (weight: number): AutomaticCanary => ({
  version: 2,
  weight,
  plan: { since: '', steps: [weight, 1], holdMs: 0, guards: ['errors'] },
});

export interface Rates {
  readonly stable: number;
  readonly canary: number;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object ? Mutable<T[K]> : T[K] };

/** The requests of the canary until it was rolled back; undefined when it was not. */
export const simulate = (weight: number, rates: Rates, lookEvery: number, requests = REQUESTS): number | undefined => {
  const counts: Mutable<StepCounts> = structuredClone(noCounts());
  const canary = canaryOf(weight);
  let isNew = false; // without a bad event, the judgement is the one before
  for (let request = 1; request <= requests; request += 1) {
    const name = random() < weight ? 'canary' : 'stable';
    const arm: Mutable<ArmCounts> = counts[name];
    arm.requests += 1;
    if (random() < rates[name]) {
      arm.errors.alone += 1;
      isNew = true;
    }
    if (!isNew || request % lookEvery > 0) continue;
    isNew = false;
    if (judgeStep(canary, counts, 0).action === 'rollback') return counts.canary.requests;
  }
  return undefined;
};

/** Tells whether a canary that is no worse is rolled back. Only bad events are drawn, and the requests between two of them are skipped. */
export const isRolledBack = (weight: number, rate: number): boolean => {
  const counts: Mutable<StepCounts> = structuredClone(noCounts());
  let lookedAt = 0;
  const gap = (): number => Math.ceil(Math.log(1 - random()) / Math.log(1 - rate));
  for (let request = gap(); request <= REQUESTS; request += gap()) {
    const arm: Mutable<ArmCounts> = counts[random() < weight ? 'canary' : 'stable'];
    arm.errors.alone += 1;
    if (request - lookedAt < 100) continue;
    lookedAt = request;
    if (judgeStep(canaryOf(weight), counts, 0).action === 'rollback') return true;
  }
  return false;
};

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN;
