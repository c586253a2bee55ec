import { expect, it } from '@jest/globals';
import { simulateDrift } from '../../support/monitoring/simulate-drift.ts';

const DAY = { runs: 100, windows: 24, features: 20, samples: 200, shift: 0 };

it('gives at most one false alarm in 24 windows of 20 features, 100 times', () => {
  const { windows, alarms } = simulateDrift({ seed: 1, ...DAY });
  expect(windows).toBe(2_400);
  expect(alarms).toBeLessThanOrEqual(1);
}, 300_000);

it('finds a shift of half a standard deviation in 1,000 samples, and names the feature', () => {
  const { windows, named } = simulateDrift({
    seed: 3,
    runs: 10,
    windows: 20,
    features: 20,
    samples: 1_000,
    shift: 0.5,
  });
  expect(named / windows).toBeGreaterThanOrEqual(0.95);
}, 300_000);
