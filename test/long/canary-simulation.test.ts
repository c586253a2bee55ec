import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { judgeStep } from '../../src/monitoring/rollouts/judge-step.ts';
import { type ArmCounts, noCounts, type StepCounts } from '../../src/monitoring/rollouts/step-counts.ts';
import { canaryTable } from '../support/monitoring/canary-table.ts';
import {
  canaryOf,
  isRolledBack,
  type Mutable,
  median,
  REQUESTS,
  random,
  simulate,
} from '../support/monitoring/simulated-canary.ts';

it('docs/rollout.md has the table of simulated canaries as the code finds it', async () => {
  expect(await readFile('docs/rollout.md', 'utf8')).toContain(canaryTable());
});

describe('a canary that is no worse', () => {
  it('is rolled back in at most 0.1 % of 2,000 cases, at four base rates and two weights', () => {
    const rolledBack: string[] = [];
    for (const rate of [0.0001, 0.001, 0.01, 0.05])
      for (const weight of [0.05, 0.25])
        for (let canary = 0; canary < 250; canary += 1)
          if (isRolledBack(weight, rate)) rolledBack.push(`${rate} ${weight}`);

    expect(rolledBack.length).toBeLessThanOrEqual(2);
  });

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
  });
});

describe('a canary that is worse', () => {
  it.each([0.05, 0.25])('and fails always is caught within 15 of its requests, at a weight of %d', (weight) => {
    for (const stable of [0, 0.001, 0.01]) {
      const caught = Array.from({ length: 200 }, () => simulate(weight, { stable, canary: 1 }, 1, 4_000));
      expect(caught).not.toContain(undefined);
      expect(median(caught.map(Number))).toBeLessThanOrEqual(15);
    }
  });

  it.each([0.05, 0.25])('and fails 5 % instead of 1 % is caught in each of 100 cases, at a weight of %d', (weight) => {
    const caught = Array.from({ length: 100 }, () => simulate(weight, { stable: 0.01, canary: 0.05 }, 100));
    expect(caught).not.toContain(undefined);
  });
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
  });
});
