import { describe, expect, it } from '@jest/globals';
import { planCanary, startCanary } from '../../../../src/monitoring/rollouts/plan.ts';
import type { Routing } from '../../../../src/repository/routing/routing.ts';

const NOW = new Date('2026-11-26T08:00:00Z');
const stepsOf = (options: Omit<Parameters<typeof planCanary>[0], 'version'>): readonly number[] =>
  planCanary({ version: 2, ...options }, NOW).plan.steps;

describe('the steps of a plan', () => {
  it('begin with the weight, and end with the last one', () => {
    expect(stepsOf({})).toEqual([0.05, 0.25, 0.5, 1]);
    expect(stepsOf({ weight: 0.01 })).toEqual([0.01, 0.05, 0.25, 0.5, 1]);
    expect(stepsOf({ weight: 0.3 })).toEqual([0.3, 0.5, 1]);
    expect(stepsOf({ until: 0.3 })).toEqual([0.05, 0.25, 0.3]);
    expect(stepsOf({ weight: 0.1, until: 0.1 })).toEqual([0.1]);
    expect(stepsOf({ steps: [0.1, 0.2] })).toEqual([0.1, 0.2]);
  });

  it.each([
    [{ steps: [0.5, 0.25, 1] }, 'expected percents that rise'],
    [{ steps: [0.5, 0.5] }, 'expected percents that rise'],
    [{ steps: [0, 0.5] }, 'expected percents that rise'],
    [{ steps: [0.5, 5] }, 'expected percents that rise'],
    [{ steps: [Number.NaN] }, 'expected percents that rise'],
    [{ steps: [0.07, 0.03] }, 'the steps are 7,3, expected'],
    [{ steps: [1] }, 'the stable version has to answer, too'],
    [{ weight: 0 }, 'expected one between 0 and 100 %'],
    [{ weight: 0.5, until: 0.1 }, 'would end at 10 %, below its first weight of 50 %'],
    [{ guards: [] }, 'is not known, expected errors, refusals, latency, disagreement, accuracy, drift'],
    [
      { guards: ['luck'] },
      'the guard luck is not known, expected errors, refusals, latency, disagreement, accuracy, drift',
    ],
    [{ guards: ['constructor'] }, 'the guard constructor is not known'],
  ])('are refused when they cannot be gone: %j', (options, message) => {
    expect(() => planCanary({ version: 2, ...options }, NOW)).toThrow(message);
  });
});

describe('the start of a canary with a guard on disagreement', () => {
  const current: Routing = { formatVersion: 1, stable: 1, aliases: {}, deleted: [], history: [] };
  const start = startCanary(planCanary({ version: 2, guards: ['disagreement'] }, NOW));

  it('gives it a shadow, or keeps the one that it has', () => {
    expect(start(current)).toMatchObject({ canary: { version: 2 }, shadow: { version: 2, rate: 0.1 } });
    expect(start({ ...current, shadow: { version: 2, rate: 1 } })).toMatchObject({ shadow: { rate: 1 } });
  });

  it('is refused while another version is the shadow', () => {
    expect(() => start({ ...current, shadow: { version: 3, rate: 1 } })).toThrow('version 3 is the shadow');
  });
});

it('a guard on answers is refused while none are captured: the canary would wait for ever', () => {
  const current: Routing = { formatVersion: 1, stable: 1, aliases: {}, deleted: [], history: [] };
  for (const guard of ['accuracy', 'drift']) {
    const start = startCanary(planCanary({ version: 2, guards: [guard] }, NOW));
    expect(() => start(current)).toThrow('monitor <model> --capture 100%');
    expect(start({ ...current, captured: true })).toMatchObject({ canary: { plan: { guards: [guard] } } });
  }
});
