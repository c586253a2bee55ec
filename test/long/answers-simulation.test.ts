import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { answersTable } from '../support/monitoring/answers-table.ts';
import { type Mix, simulateFeedback, simulateKinds } from '../support/monitoring/simulated-answers.ts';
import { median } from '../support/monitoring/simulated-canary.ts';

const WEIGHTS = [0.05, 0.25];
/** Labels as common as they are rare: by Zipf's law, and nearly all the same. */
const ZIPF: Mix = Array.from({ length: 20 }, (_, index) => 1 / (index + 1) / 3.597_74);
const SKEWED: Mix = [0.97, 0.01, 0.01, 0.01];

it('docs/rollout.md has the table of simulated answers as the code finds it', async () => {
  expect(await readFile('docs/rollout.md', 'utf8')).toContain(answersTable());
});

describe('a canary that is as accurate', () => {
  it('is rolled back in at most 0.1 % of 2,000 cases, at four rates of wrong answers and two weights', () => {
    let rolledBack = 0;
    for (const rate of [0.01, 0.05, 0.2, 0.5])
      for (const weight of WEIGHTS)
        for (let canary = 0; canary < 250; canary += 1)
          if (simulateFeedback({ weight, rates: { stable: rate, canary: rate }, labels: 2_000, lookEvery: 100 }))
            rolledBack += 1;
    expect(rolledBack).toBeLessThanOrEqual(2);
  });

  it('survives hours in which both versions are often wrong', () => {
    const wave = (label: number): number => (label % 500 < 50 ? 18 : 1);
    const rates = { stable: 0.05, canary: 0.05 };
    const rolledBack = Array.from({ length: 250 }, () =>
      simulateFeedback({ weight: 0.25, rates, labels: 2_000, lookEvery: 50, wave }),
    ).filter((labels) => labels !== undefined);
    expect(rolledBack).toEqual([]);
  });
});

describe('a canary that is less accurate', () => {
  it.each(WEIGHTS)('and always wrong is caught within 15 labels of it, at a weight of %d', (weight) => {
    const caught = Array.from({ length: 100 }, () =>
      simulateFeedback({ weight, rates: { stable: 0.05, canary: 1 }, labels: 5_000, lookEvery: 1 }),
    );
    expect(caught).not.toContain(undefined);
    expect(median(caught.map(Number))).toBeLessThanOrEqual(15);
  });

  it.each(WEIGHTS)('and wrong in 20 % instead of 5 % is caught in each of 100 cases, at a weight of %d', (weight) => {
    const caught = Array.from({ length: 100 }, () =>
      simulateFeedback({ weight, rates: { stable: 0.05, canary: 0.2 }, labels: 20_000, lookEvery: 100 }),
    );
    expect(caught).not.toContain(undefined);
  });
});

describe('a canary with the same answers', () => {
  it('is rolled back in at most 0.1 % of 1,000 cases by their kinds, be they rare or common', () => {
    let rolledBack = 0;
    for (const mix of [ZIPF, SKEWED])
      for (const weight of WEIGHTS)
        for (let canary = 0; canary < 250; canary += 1)
          if (simulateKinds(weight, { stable: mix, canary: mix }, 2_000, 100) !== undefined) rolledBack += 1;
    expect(rolledBack).toBeLessThanOrEqual(1);
  });
});

it.each(WEIGHTS)('a canary that gives one label only is caught in each of 100 cases, at a weight of %d', (weight) => {
  const canary = ZIPF.map((_, index) => (index === 3 ? 1 : 0));
  const caught = Array.from({ length: 100 }, () => simulateKinds(weight, { stable: ZIPF, canary }, 5_000, 10));
  expect(caught).not.toContain(undefined);
  expect(median(caught.map(Number))).toBeLessThanOrEqual(30);
});
