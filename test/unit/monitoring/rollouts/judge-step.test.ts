import { describe, expect, it } from '@jest/globals';
import type { AnswerCounts } from '../../../../src/monitoring/rollouts/answer-counts.ts';
import { logEvidence, logRateEvidence, meanLogEvidence } from '../../../../src/monitoring/rollouts/evidence.ts';
import type { AutomaticCanary, StepFacts } from '../../../../src/monitoring/rollouts/guards.ts';
import { judgeStep } from '../../../../src/monitoring/rollouts/judge-step.ts';
import { addCounts, noCounts, type StepCounts } from '../../../../src/monitoring/rollouts/step-counts.ts';

const SINCE = '2026-11-26T08:00:00.000Z';
const START_MS = Date.parse(SINCE);
const HOUR_MS = 3_600_000;

const canaryOf = (plan: Partial<AutomaticCanary['plan']> = {}, weight = 0.05): AutomaticCanary => ({
  version: 2,
  weight,
  plan: { since: SINCE, steps: [0.05, 0.25, 1], holdMs: HOUR_MS, guards: ['errors'], ...plan },
});

interface Arm {
  readonly requests?: number;
  readonly timed?: number;
  readonly errors?: number;
  readonly slow?: number;
}
const armOf = ({ requests = 0, timed = 0, errors = 0, slow = 0 }: Arm) => ({
  ...{ requests, timed },
  ...{ errors: { alone: errors, keys: [] }, refused: { alone: 0, keys: [] }, slow: { alone: slow, keys: [] } },
});
const countsOf = (canary: Arm, stable: Arm, rest: Partial<StepCounts> = {}): StepCounts => ({
  ...noCounts(),
  ...{ canary: armOf(canary), stable: armOf(stable) },
  ...rest,
});
const GOOD = countsOf({ requests: 100, timed: 100 }, { requests: 1_900, timed: 1_900 });

describe('evidence', () => {
  it('has the value of the formula, computed with other means', () => {
    // (1/48) Σ (p/w)^3 ((1-p)/(1-w))^1 with 48 odds from 1.2 to 100, p = θw/(1-w+θw), w = 0.1
    const odds = Array.from({ length: 48 }, (_, index) => 1.2 * (100 / 1.2) ** (index / 47));
    const sum = odds.reduce((total, theta) => {
      const p = (theta * 0.1) / (0.9 + theta * 0.1);
      return total + (p / 0.1) ** 3 * ((1 - p) / 0.9);
    }, 0);
    expect(logEvidence(3, 4, 0.1)).toBeCloseTo(Math.log(sum / 48), 12);
  });

  it('is nothing without an event, and stays finite for millions of them', () => {
    expect(logEvidence(0, 0, 0.05)).toBeCloseTo(0, 12);
    expect(Number.isFinite(logEvidence(1_000_000, 9_000_000, 0.05))).toBe(true);
  });

  it('is at most 1 on average while the canary is no worse', () => {
    // The exact expectation over 0 to 30 hits of 30 events.
    const share = 0.2;
    let [expectation, choose] = [0, 1];
    for (let hits = 0; hits <= 30; hits += 1) {
      expectation += choose * share ** hits * (1 - share) ** (30 - hits) * Math.exp(logEvidence(hits, 30, share));
      choose = (choose * (30 - hits)) / (hits + 1);
    }
    expect(expectation).toBeCloseTo(1, 9);
  });
});

describe('evidence of two rates', () => {
  it('has the value of the formula: the mean likelihood by the largest one', () => {
    // ∫ p^3 (1-p) dp · ∫ p (1-p)^9 dp, by the likelihood of 4 events of 14
    const mean = (3 * 2 * 1 * 1) / (5 * 4 * 3 * 2 * 1) / (11 * 10);
    expect(logRateEvidence(3, 4, 1, 10)).toBeCloseTo(Math.log(mean / ((4 / 14) ** 4 * (10 / 14) ** 10)), 10);
  });

  it('is none without samples of both, nor for equal or lower rates, and finite for millions', () => {
    for (const [events, all, others, allOthers] of [
      ...([
        [5, 5, 0, 0],
        [0, 0, 5, 5],
        [5, 5, 5, 5],
      ] as const),
      ...([
        [50, 100, 500, 1_000],
        [0, 100, 900, 1_000],
      ] as const),
    ])
      expect(logRateEvidence(events, all, others, allOthers)).toBeLessThanOrEqual(0);
    expect(Number.isFinite(logRateEvidence(900_000, 1_000_000, 1, 9_000_000))).toBe(true);
  });

  it('is at most 1 on average while the rates are equal', () => {
    // The exact expectation over all outcomes of 6 samples of the one and 12 of the other.
    const chances = (size: number, rate: number): number[] => {
      let choose = 1;
      return Array.from({ length: size + 1 }, (_, hits) => {
        if (hits > 0) choose = (choose * (size - hits + 1)) / hits;
        return choose * rate ** hits * (1 - rate) ** (size - hits);
      });
    };
    for (const rate of [0.01, 0.1, 0.5, 0.9]) {
      let expectation = 0;
      for (const [one, chance] of chances(6, rate).entries())
        for (const [other, otherChance] of chances(12, rate).entries())
          expectation += chance * otherChance * Math.exp(logRateEvidence(one, 6, other, 12));
      expect(expectation).toBeLessThanOrEqual(1);
    }
  });

  it('of several tests is their mean', () => {
    expect(meanLogEvidence([Math.log(3), Math.log(5), 0])).toBeCloseTo(Math.log(3), 12);
    expect(meanLogEvidence([5_000, 0])).toBeCloseTo(5_000 - Math.log(2), 9);
    expect(meanLogEvidence([])).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('a step', () => {
  it('is held for its time, and then raised', () => {
    expect(judgeStep(canaryOf(), GOOD, START_MS + HOUR_MS - 1)).toEqual({
      ...{ action: 'wait', note: 'the step is held for another 1 min' },
    });
    expect(judgeStep(canaryOf(), GOOD, START_MS + HOUR_MS)).toEqual({
      ...{ action: 'raise', weight: 0.25 },
      note: 'errors: 0 failed of 100 requests, stable 0 of 1900',
    });
  });

  it('makes the version stable at the end, or stays where the plan ends', () => {
    expect(judgeStep(canaryOf({}, 0.25), GOOD, START_MS + HOUR_MS).action).toBe('promote');
    const until = canaryOf({ steps: [0.05, 0.25] }, 0.25);
    expect(judgeStep(until, GOOD, START_MS + HOUR_MS)).toMatchObject({
      action: 'wait',
      note: 'the last step is reached',
    });
  });

  it('is never raised by missing data, a guard that is not known, or a time that is none', () => {
    const late = START_MS + 100 * HOUR_MS;
    expect(judgeStep(canaryOf(), noCounts(), late).action).toBe('wait');
    expect(judgeStep(canaryOf(), countsOf({ requests: 99 }, { requests: 9_999 }), late).action).toBe('wait');
    expect(judgeStep(canaryOf({ guards: ['errors', 'luck'] }), GOOD, late)).toMatchObject({
      note: 'the guard luck is not known here',
    });
    expect(judgeStep(canaryOf({ guards: [] }), GOOD, late)).toMatchObject({ note: 'the plan has no guard' });
    expect(judgeStep(canaryOf({ steps: [] }), GOOD, late).action).toBe('wait');
    expect(judgeStep(canaryOf({}, 0), GOOD, late).action).not.toBe('rollback');
    expect(judgeStep(canaryOf({}, 1), GOOD, late).action).toBe('wait');
    expect(judgeStep(canaryOf({ since: 'yesterday' }), GOOD, late).action).toBe('wait');
    expect(judgeStep(canaryOf({ since: '2036-01-01T00:00:00.000Z' }), GOOD, late).action).toBe('wait');
  });

  it('is rolled back by failures at once, also while it is held', () => {
    const failing = countsOf({ requests: 6, errors: 6 }, { requests: 94 });
    expect(judgeStep(canaryOf(), failing, START_MS)).toEqual({
      ...{ action: 'rollback', note: 'errors: 6 failed of 6 requests, stable 0 of 94' },
    });
  });

  it('stays while both versions fail alike, and while the stable one alone fails', () => {
    for (const counts of [
      countsOf({ requests: 50, errors: 50 }, { requests: 950, errors: 950 }),
      countsOf({ requests: 50 }, { requests: 950, errors: 950 }),
    ])
      expect(judgeStep(canaryOf(), counts, START_MS).action).toBe('wait');
  });
});

describe('latency', () => {
  const latency = { guards: ['latency'] };

  it('gets its limit from the stable version, and is judged by later requests alone', () => {
    const latencyMs = { 20: 950, 24: 50 }; // 32 to 38 ms, and 64 to 76 ms
    const timed = judgeStep(canaryOf(latency), { ...noCounts(), latencyMs }, START_MS);
    expect(timed).toMatchObject({ action: 'time', slowMs: 38.1 });
    expect(judgeStep(canaryOf(latency), { ...noCounts(), latencyMs: { 20: 99 } }, START_MS).action).toBe('wait');
    expect(judgeStep(canaryOf({ ...latency, slowMs: 38.1 }), { ...noCounts(), latencyMs }, START_MS)).toMatchObject({
      ...{ action: 'wait', note: 'latency: 0 of 100 requests are counted' },
    });
  });

  it('rolls back what is slow', () => {
    const slow = countsOf({ timed: 10, slow: 10 }, { timed: 190, slow: 9 });
    expect(judgeStep(canaryOf({ ...latency, slowMs: 40 }), slow, START_MS)).toMatchObject({
      ...{ action: 'rollback', note: 'latency: 10 slow of 10 requests, stable 9 of 190' },
    });
  });
});

describe('disagreement', () => {
  const plan = { guards: ['disagreement'], disagreement: 0.2 };

  it('rolls back what answers something else, and keeps what lies below the bound', () => {
    expect(judgeStep(canaryOf(plan), { ...noCounts(), compared: 30, changed: 29 }, START_MS)).toMatchObject({
      ...{ action: 'rollback', note: 'disagreement: 29 of 30 answers differ, 20 % may' },
    });
    for (const changed of [0, 1_000, 2_000])
      expect(judgeStep(canaryOf(plan), { ...noCounts(), compared: 10_000, changed }, START_MS).action).toBe('wait');
  });
});

it('counts of environments are added: a key of both is one', () => {
  const one = countsOf({ requests: 2 }, { requests: 3 }, { latencyMs: { 1: 2 }, compared: 1 });
  const bad = (keys: string[], alone: number): StepCounts => ({
    ...one,
    canary: { ...one.canary, errors: { alone, keys } },
  });
  const sum = addCounts(bad(['a', 'b'], 1), bad(['b', 'c'], 2));
  expect(sum.canary).toMatchObject({ requests: 4, errors: { alone: 3, keys: ['a', 'b', 'c'] } });
  expect(sum).toMatchObject({ latencyMs: { 1: 4 }, compared: 2 });
});

it('a guard of no disagreement at all rolls back after a few answers that differ, and lets equal ones go on', () => {
  const canary = canaryOf({ guards: ['disagreement'], disagreement: 0 });
  const differ = (changed: number): StepCounts => countsOf({}, {}, { compared: 100, changed });
  expect(judgeStep(canary, differ(4), START_MS + HOUR_MS)).toEqual({
    action: 'rollback',
    note: 'disagreement: 4 of 100 answers differ, 0 % may',
  });
  expect(judgeStep(canary, differ(0), START_MS + HOUR_MS).action).toBe('raise');
});

describe('captured answers', () => {
  const byArm = (canary: number, stable: number) => ({ canary, stable });
  const factsOf = (answers: Partial<AnswerCounts>): StepFacts => ({
    ...noCounts(),
    answers: {
      ...{ captured: byArm(0, 0), judged: byArm(0, 0), wrong: byArm(0, 0), kinds: [], problems: {} },
      ...answers,
    },
  });
  const LATE_MS = START_MS + HOUR_MS;
  const accuracy = canaryOf({ guards: ['accuracy'] });
  const drift = canaryOf({ guards: ['drift'] });

  it('that are wrong roll the canary back, also when most of the feedback is on its answers', () => {
    expect(judgeStep(accuracy, factsOf({ judged: byArm(12, 60), wrong: byArm(12, 3) }), START_MS)).toEqual({
      action: 'rollback',
      note: 'accuracy: 12 wrong of 12 requests with feedback, stable 3 of 60',
    });
    const onCanary = factsOf({ judged: byArm(5_000, 200), wrong: byArm(500, 20) });
    expect(judgeStep(accuracy, onCanary, LATE_MS)).toMatchObject({ action: 'raise', weight: 0.25 });
  });

  it('without feedback neither raise the weight nor roll back, whichever version has none', () => {
    for (const [judged, wrong] of [
      [byArm(0, 0), byArm(0, 0)],
      [byArm(5_000, 0), byArm(5_000, 0)],
      [byArm(0, 5_000), byArm(0, 0)],
      [byArm(99, 5_000), byArm(0, 0)],
    ] as const)
      expect(judgeStep(accuracy, factsOf({ judged, wrong }), LATE_MS)).toMatchObject({
        action: 'wait',
        note: expect.stringMatching(/^accuracy: (0|99) of 100 requests with feedback, of each version, are counted$/),
      });
  });

  it('of a kind that the canary gives far more often roll it back, and twice as often does not', () => {
    const captured = byArm(1_000, 19_000);
    const kinds = (canary: number) => [
      { name: 'label cat', ...byArm(canary, 3_800) },
      { name: 'label dog', ...byArm(1_000 - canary, 15_200) },
    ];
    expect(judgeStep(drift, factsOf({ captured, kinds: kinds(800) }), START_MS)).toEqual({
      action: 'rollback',
      note: 'drift: label cat in 800 of 1000 captured requests, stable 3800 of 19000',
    });
    for (const canary of [0, 200, 400])
      expect(judgeStep(drift, factsOf({ captured, kinds: kinds(canary) }), LATE_MS).action).toBe('raise');
  });

  it('that are missing, or have nothing to be compared with, never raise the weight', () => {
    const wait = (note: string) => ({ action: 'wait', note });
    expect(judgeStep(drift, factsOf({ captured: byArm(5_000, 0) }), LATE_MS)).toEqual(
      wait('drift: 0 of 100 captured requests, of each version, are counted'),
    );
    const captured = byArm(5_000, 5_000);
    const problems = { kinds: 'version 1 has no baseline' };
    expect(judgeStep(drift, factsOf({ captured, problems }), LATE_MS)).toEqual(
      wait('drift: version 1 has no baseline'),
    );
    const none = factsOf({ problems: { answers: 'no answers are captured' } });
    expect(judgeStep(accuracy, none, LATE_MS)).toEqual(wait('accuracy: no answers are captured'));
    expect(judgeStep(accuracy, noCounts(), LATE_MS)).toEqual(wait('accuracy: no answers were read'));
  });
});
