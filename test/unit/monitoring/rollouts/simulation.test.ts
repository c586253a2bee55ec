import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../../../../src/core/random.ts';
import type { AutomaticCanary } from '../../../../src/monitoring/rollouts/guards.ts';
import { judgeStep } from '../../../../src/monitoring/rollouts/judge-step.ts';
import { type ArmCounts, noCounts, type StepCounts } from '../../../../src/monitoring/rollouts/step-counts.ts';

/**
 * Canaries that are looked at again and again. The plan never raises the weight, so that each has its 20,000 requests in one step: that is the
 * hardest case for a test that must not fire.
 */

const REQUESTS = 20_000;
const random = createRandom(14);

const canaryOf = (weight: number): AutomaticCanary => ({
  version: 2,
  weight,
  plan: { since: '', steps: [weight, 1], holdMs: 0, guards: ['errors'] },
});

interface Rates {
  readonly stable: number;
  readonly canary: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object ? Mutable<T[K]> : T[K] };

/** The requests of the canary until it was rolled back; undefined when it was not. */
const simulate = (weight: number, rates: Rates, lookEvery: number, requests = REQUESTS): number | undefined => {
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
const isRolledBack = (weight: number, rate: number): boolean => {
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

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN;

describe('a canary that is no worse', () => {
  it('is rolled back in at most 0.1 % of 2,000 cases, at four base rates and two weights', () => {
    const rolledBack: string[] = [];
    for (const rate of [0.0001, 0.001, 0.01, 0.05])
      for (const weight of [0.05, 0.25])
        for (let canary = 0; canary < 250; canary += 1)
          if (isRolledBack(weight, rate)) rolledBack.push(`${rate} ${weight}`);

    expect(rolledBack.length).toBeLessThanOrEqual(2);
  }, 300_000);

  it('survives the fault of an upstream that hits both versions, in waves', () => {
    const counts: Mutable<StepCounts> = structuredClone(noCounts());
    const rates = (request: number): number => (request % 5_000 < 500 ? 0.9 : 0.001);
    for (let request = 1; request <= REQUESTS; request += 1) {
      const arm: Mutable<ArmCounts> = counts[random() < 0.05 ? 'canary' : 'stable'];
      arm.requests += 1;
      if (random() < rates(request)) arm.errors.alone += 1;
      if (request % 100 > 0) continue;
      expect(judgeStep(canaryOf(0.05), counts, 0).action).not.toBe('rollback');
    }
  }, 60_000);
});

describe('a canary that is worse', () => {
  it.each([0.05, 0.25])('and fails always is caught within 15 of its requests, at a weight of %d', (weight) => {
    for (const stable of [0, 0.001, 0.01]) {
      const caught = Array.from({ length: 200 }, () => simulate(weight, { stable, canary: 1 }, 1, 4_000));
      expect(caught).not.toContain(undefined);
      expect(median(caught.map(Number))).toBeLessThanOrEqual(15);
    }
  });

  it.each([0.05, 0.25])(
    'and fails 5 % instead of 1 % is caught in each of 100 cases, at a weight of %d',
    (weight) => {
      const caught = Array.from({ length: 100 }, () => simulate(weight, { stable: 0.01, canary: 0.05 }, 100));
      expect(caught).not.toContain(undefined);
    },
    60_000,
  );
});

describe('callers with keys of their own', () => {
  /** Requests of 1,500 users, of whom some have inputs that fail often with any version. Returns whether the canary was rolled back. */
  const simulateUsers = (weight: number, hot: number, byKey: boolean): boolean => {
    const counts: Mutable<StepCounts> = structuredClone(noCounts());
    for (let user = 0; user < 1_500; user += 1) {
      const arm: Mutable<ArmCounts> = counts[random() < weight ? 'canary' : 'stable'];
      const rate = random() < hot ? 0.2 : 0.0005;
      for (let request = 0; request < 20; request += 1) {
        arm.requests += 1;
        if (random() >= rate) continue;
        if (byKey) arm.errors.keys = [...new Set([...arm.errors.keys, String(user)])];
        else arm.errors.alone += 1;
      }
      if (user % 25 === 0 && judgeStep(canaryOf(weight), counts, 0).action === 'rollback') return true;
    }
    return false;
  };
  const rolledBack = (byKey: boolean): number =>
    [0.01, 0.05].flatMap((hot) => Array.from({ length: 80 }, () => simulateUsers(0.1, hot, byKey))).filter(Boolean)
      .length;

  it('count once each: one with bad inputs does not roll a good canary back, as its requests would', () => {
    expect(rolledBack(true)).toBe(0);
    expect(rolledBack(false)).toBeGreaterThan(0);
  }, 120_000);
});
